import type { MlModel } from '../registry/mlmodel.ts'
import type { CatalogKind } from './catalog.store.ts'

/** Another version that an entry speaks of, by the id of its item. */
export type RelatedEntry = {
  itemId: string
  kind: CatalogKind
  title: string
  split: 'train' | 'validate' | 'test' | null
}

/** What items of both kinds say. */
export type EntryCommon = {
  itemId: string
  versionId: string
  owner: string
  project: string
  name: string
  version: number
  description: string
  createdBy: string
  createdAtMs: number
  updatedAtMs: number
  predecessor: string | null
  successor: string | null
  latest: string
  derivedFrom: RelatedEntry[]
}

export type EntryColumn = { name: string; type: string }
export type EntryFile = {
  path: string
  sha256: string | null
  sizeBytes: number
  rowCount: number | null
  columns: EntryColumn[] | null
}

export type DatasetEntry = EntryCommon & {
  kind: 'dataset'
  licence: string
  message: string
  digest: string
  fromRecipe: boolean
  rowCount: number | null
  files: EntryFile[]
}

export type ModelEntry = EntryCommon & {
  kind: 'ai-model'
  stage: string
  source: string
  /** The files of the model's folder; empty when it lies outside the platform. */
  files: EntryFile[]
  mlmodel: MlModel | null
  loggedModelId: string | null
  modelType: string | null
  runId: string | null
  aliases: string[]
  tags: Record<string, string>
  params: Record<string, string>
  metrics: Record<string, number | null>
  onnx: { sha256: string; sizeBytes: number } | null
  /** The labels of a classifier, when its ONNX form knows them. */
  labels: string[] | null
}

export type CatalogEntry = DatasetEntry | ModelEntry
