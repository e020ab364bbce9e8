import { type Context, inTransaction } from '../../context.ts'
import { inChunks } from '../../db/dialect.ts'
import { readArtifactText } from '../artifacts/artifacts.service.ts'
import { filesUri } from './held-files.service.ts'
import { MLMODEL_MAX_BYTES, type MlModel, parseMlModel } from './mlmodel.ts'
import * as store from './versions.store.ts'

export type ModelVersion = {
  id: string
  projectId: string
  modelId: string
  /** The registered model's name of today. */
  name: string
  version: number
  source: string
  /** Where its files lay when it was registered. */
  storageUri: string
  /** Where its files are fetched from. */
  downloadUri: string
  runId: string | null
  loggedModelId: string | null
  runLink: string
  description: string
  stage: string
  status: string
  createdBy: string
  createdAtMs: number
  updatedAtMs: number
  deletedAtMs: number | null
  /** Folder in the project's artifacts; null when the files lie elsewhere. */
  artifactPath: string | null
  /** null: not there yet, or elsewhere. */
  mlmodel: MlModel | null
  /** The version that this one is a copy of, perhaps in another project; null for what is no copy. */
  copiedFrom: string | null
  /** SHA-256 over the paths, sizes and checksums of its files, which nobody changes; null when they are its source's. */
  contentDigest: string | null
  aliases: string[]
  tags: Record<string, string>
}

/** Rows as versions, with tags and aliases, in the rows' order. For this room's services. */
export async function loadVersions(ctx: Context, rows: readonly store.NamedVersionRow[]): Promise<ModelVersion[]> {
  const tags = new Map<string, Record<string, string>>()
  const aliases = new Map<string, string[]>()
  await inChunks(
    rows.map((row) => row.id),
    1,
    async (ids) => {
      for (const { version_id, key, value } of await store.tagsOfVersions(ctx.db, ids)) {
        const known = tags.get(version_id) ?? {}
        known[key] = value
        tags.set(version_id, known)
      }
      for (const { version_id, alias } of await store.aliasesOfVersions(ctx.db, ids)) {
        aliases.set(version_id, [...(aliases.get(version_id) ?? []), alias])
      }
    },
  )
  return rows.map((row) => ({
    id: row.id,
    projectId: row.project_id,
    modelId: row.model_id,
    name: row.name,
    version: row.version,
    source: row.source,
    storageUri: row.download_uri,
    downloadUri: filesUri(row),
    runId: row.run_id,
    loggedModelId: row.logged_model_id,
    runLink: row.run_link,
    description: row.description,
    stage: row.stage,
    status: row.status,
    createdBy: row.created_by,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
    deletedAtMs: row.deleted_at_ms,
    artifactPath: row.artifact_path,
    mlmodel: row.mlmodel === null ? null : (JSON.parse(row.mlmodel) as MlModel),
    copiedFrom: row.copied_from,
    contentDigest: row.content_digest,
    aliases: aliases.get(row.id) ?? [],
    tags: tags.get(row.id) ?? {},
  }))
}

/** The `MLmodel` in a folder of the project's artifacts; null without a folder or without the file. */
export async function readMlModel(ctx: Context, projectId: string, folder: string | null): Promise<MlModel | null> {
  if (folder === null) return null
  const text = await readArtifactText(ctx, projectId, `${folder}/MLmodel`, MLMODEL_MAX_BYTES)
  return text === null ? null : parseMlModel(text)
}

/**
 * Clients may register a version before its files are uploaded: then its MLmodel is read when somebody first looks at
 * the version afterwards. Inside a transaction nothing is read.
 */
export async function withMlModel(ctx: Context, version: ModelVersion): Promise<ModelVersion> {
  if (version.mlmodel !== null || version.artifactPath === null || ctx.db.isTransaction) return version
  const mlmodel = await readMlModel(ctx, version.projectId, version.artifactPath)
  if (mlmodel === null) return version
  await inTransaction(ctx, (tx) => store.updateVersion(tx.db, version.id, { mlmodel: JSON.stringify(mlmodel) }))
  return { ...version, mlmodel }
}
