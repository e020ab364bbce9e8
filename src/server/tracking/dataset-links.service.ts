import type { Context } from '../../context.ts'
import { AppError } from '../../lib/errors.ts'
import { getDataset } from '../datasets/datasets.service.ts'
import type { Project } from '../projects/projects.service.ts'

type DescribedInput = { name: string; digest: string; sourceType: string; source: string }

/** Shorter digests could be equal by chance. */
const MIN_DIGEST_LENGTH = 8
const VERSION_URL = /\/api\/v1\/projects\/([^/"]+)\/([^/"]+)\/datasets\/([^/"]+)\/versions\/(\d+)/

/**
 * The dataset version of ours that a client's description of a run input means, if any: one of that name whose digest
 * starts with the given one, or the one whose URL (or our own description of a job's dataset) is the source.
 */
export async function datasetVersionOfInput(
  ctx: Context,
  project: Project,
  input: DescribedInput,
): Promise<string | null> {
  const named = sourceOf(project, input)
  if (named !== null) {
    const versions = await versionsOf(ctx, project.id, named.dataset)
    const version = versions.find((candidate) => candidate.version === named.version)
    if (version !== undefined) return version.id
  }
  if (input.digest.length < MIN_DIGEST_LENGTH) return null
  const versions = await versionsOf(ctx, project.id, input.name)
  return versions.find((version) => version.digest.startsWith(input.digest.toLowerCase()))?.id ?? null
}

function sourceOf(project: Project, input: DescribedInput): { dataset: string; version: number } | null {
  if (input.sourceType === 'trainyard') {
    try {
      const { dataset, version } = JSON.parse(input.source) as { dataset?: unknown; version?: unknown }
      if (typeof dataset === 'string' && typeof version === 'number') return { dataset, version }
    } catch {}
    return null
  }
  const [, owner, name, dataset, version] = VERSION_URL.exec(input.source) ?? []
  if (owner !== project.owner || name !== project.name || dataset === undefined) return null
  return { dataset, version: Number(version) }
}

async function versionsOf(
  ctx: Context,
  projectId: string,
  dataset: string,
): Promise<{ id: string; version: number; digest: string }[]> {
  try {
    return (await getDataset(ctx, projectId, dataset)).versions
  } catch (error) {
    if (error instanceof AppError && (error.code === 'not_found' || error.code === 'bad_request')) return []
    throw error
  }
}
