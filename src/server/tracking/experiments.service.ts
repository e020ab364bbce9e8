import { type Context, inTransaction } from '../../context.ts'
import type { WriteTx } from '../../db/writes.ts'
import { type Actor, SYSTEM } from '../../lib/actor.ts'
import { AppError, badRequest, conflict, notFound } from '../../lib/errors.ts'
import { recordEvent } from '../events/events.service.ts'
import type { Project } from '../projects/projects.service.ts'
import * as store from './experiments.store.ts'
import { checkKey, checkLength, LIMITS } from './limits.ts'
import { DEFAULT_EXPERIMENT_ID, wireId } from './records.ts'

const DEFAULT_NAME = 'Default'

/** An experiment with its id as clients see it: the project's Default is "0", others have a number of the whole server. */
export type Experiment = {
  id: string
  rowId: number
  projectId: string
  name: string
  artifactLocation: string
  lifecycle: 'active' | 'deleted'
  createdAtMs: number
  updatedAtMs: number
}
export type ExperimentWithTags = Experiment & { tags: Record<string, string> }

export function experimentOf(row: store.ExperimentRow): Experiment {
  return {
    id: wireId(row),
    rowId: row.id,
    projectId: row.project_id,
    name: row.name,
    artifactLocation: row.artifact_location,
    lifecycle: row.lifecycle,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
  }
}

/** A client's id as a plain number: MLflow reads it as an integer. @throws AppError bad_request for no number */
function checkedId(id: string): string {
  const [, sign, digits] = /^\s*([+-]?)0*(\d{1,30})\s*$/.exec(id) ?? []
  if (digits === undefined) {
    throw badRequest(
      `Invalid experiment ID '${id.slice(0, 50)}'. Experiment ID must be a valid integer.`,
      'experiment_id',
    )
  }
  return sign === '-' && digits !== '0' ? `-${digits}` : digits
}

/**
 * An experiment by the id that clients see, whatever its lifecycle. The Default is made when it is first asked for.
 * @throws AppError not_found, bad_request
 */
export async function getExperiment(ctx: WriteTx, projectId: string, id: string): Promise<Experiment> {
  const known = checkedId(id)
  if (known === DEFAULT_EXPERIMENT_ID) return experimentOf(await defaultExperiment(ctx, projectId))
  const row = await store.experimentByWireId(ctx.db, projectId, known)
  if (row === undefined) throw notFound(`No Experiment with id=${id} exists`)
  return experimentOf(row)
}

/** Every project has one from the start; its row is written when it is first needed. */
async function defaultExperiment(ctx: WriteTx, projectId: string): Promise<store.ExperimentRow> {
  const found = await store.defaultExperiment(ctx.db, projectId)
  if (found !== undefined) return found
  // It is the oldest experiment of its project, also when the first request is the one that makes another.
  const now = ctx.now() - 1
  await inTransaction(ctx, async (tx) => {
    const made = await store.insertExperiment(tx.db, {
      project_id: projectId,
      wire_id: null,
      is_default: 1,
      name: DEFAULT_NAME,
      artifact_location: `mlflow-artifacts:/${DEFAULT_EXPERIMENT_ID}`,
      lifecycle: 'active',
      created_at_ms: now,
      updated_at_ms: now,
    })
    if (made === undefined) return // two first requests at once
    await recordEvent(tx, SYSTEM, { projectId, verb: 'created', kind: 'experiment', subject: DEFAULT_EXPERIMENT_ID })
  })
  const made = await store.defaultExperiment(ctx.db, projectId)
  if (made === undefined) throw new AppError('internal', 'The Default experiment could not be made.')
  return made
}

/** The active experiment of this name, else the latest deleted one. @throws AppError not_found */
export async function getExperimentByName(ctx: Context, projectId: string, name: string): Promise<Experiment> {
  if (name === DEFAULT_NAME) await defaultExperiment(ctx, projectId)
  const row = await store.experimentByName(ctx.db, projectId, name)
  if (row === undefined) throw notFound(`Could not find experiment with name '${name.slice(0, 200)}'`)
  return experimentOf(row)
}

/** Tags of experiments, by row id. */
export async function withTags(ctx: Context, experiments: readonly Experiment[]): Promise<ExperimentWithTags[]> {
  const rows = await store.experimentTags(
    ctx.db,
    experiments.map((experiment) => experiment.rowId),
  )
  const byId = Map.groupBy(rows, (row) => row.experiment_id)
  return experiments.map((experiment) => ({
    ...experiment,
    tags: Object.fromEntries((byId.get(experiment.rowId) ?? []).map((row) => [row.key, row.value])),
  }))
}

export type NewExperiment = {
  name: string
  /** Where its runs' artifacts go; default: the project's own storage. */
  artifactLocation?: string
  tags?: readonly { key: string; value: string }[]
  /** MLflow's rule: a deleted experiment keeps its name. */
  refuseDeletedName?: boolean
}

/**
 * Makes an experiment.
 * @throws AppError bad_request (name, location, tags), conflict (name taken)
 */
export async function createExperiment(
  ctx: Context,
  actor: Actor,
  project: Project,
  input: NewExperiment,
): Promise<Experiment> {
  checkExperimentName(input.name)
  const location = checkArtifactLocation(input.artifactLocation ?? '')
  for (const tag of input.tags ?? []) checkExperimentTag(tag.key, tag.value)
  const taken = conflict(`Experiment(name=${input.name}) already exists.`, 'name')
  await defaultExperiment(ctx, project.id)
  const now = ctx.now()
  return inTransaction(ctx, async (tx) => {
    const other = await store.experimentByName(tx.db, project.id, input.name)
    if (other?.lifecycle === 'deleted' && input.refuseDeletedName === true) {
      throw conflict(
        `Experiment '${input.name}' already exists in deleted state. You can restore the experiment, or permanently delete it to create a new one.`,
        'name',
      )
    }
    const row = {
      project_id: project.id,
      wire_id: null,
      is_default: 0,
      name: input.name,
      artifact_location: location,
      lifecycle: 'active' as const,
      created_at_ms: now,
      updated_at_ms: now,
    }
    const made = await store.insertExperiment(tx.db, row)
    if (made === undefined) throw taken
    if (location === '') {
      row.artifact_location = `mlflow-artifacts:/${made.id}`
      await store.updateExperiment(tx.db, made.id, { artifact_location: row.artifact_location })
    }
    for (const tag of input.tags ?? []) await store.putExperimentTag(tx.db, made.id, tag.key, tag.value)
    await recordEvent(tx, actor, {
      projectId: project.id,
      verb: 'created',
      kind: 'experiment',
      subject: String(made.id),
      detail: { name: input.name },
    })
    return experimentOf({ ...row, id: made.id })
  })
}

/** @throws AppError bad_request */
export function checkExperimentName(name: string): void {
  checkLength(name, 'name', LIMITS.experimentName)
  if (name === '') throw badRequest('Invalid experiment name: it must not be empty.', 'name')
}

/** Schemes whose last segment may end with `;` and parameters; in all others it is a character of the path (RFC 2396). */
const SCHEMES_WITH_PARAMS = new Set(['', 'http', 'https', 'ftp', 'sftp'])
/** Schemes whose URI names the host that is asked: MLflow's own list, of `mlflow-artifacts` the form with a host. */
const SCHEMES_WITH_HOST = new Set(['ftp', 'sftp', 'hdfs', 'viewfs', 'http', 'https', 'r2', 'b2', 'abfss'])

/** Where artifacts lie is a URI that clients resolve; the server itself reads and writes only `mlflow-artifacts:`. */
function checkArtifactLocation(location: string): string {
  const refuse = (why: string) => badRequest(`Invalid artifact_location: ${why}`, 'artifact_location')
  checkLength(location, 'artifact_location', LIMITS.artifactLocation)
  if (location.startsWith('runs:')) throw refuse('it cannot be a runs:/ URI.')
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(location)?.[1]?.toLowerCase() ?? ''
  const query = location.split('?')[1] ?? ''
  const hasParams = SCHEMES_WITH_PARAMS.has(scheme) && location.slice(location.lastIndexOf('/')).includes(';')
  if (location.includes('#') || hasParams || query.includes('..')) {
    throw refuse('it cannot hold a fragment, parameters or "..".')
  }
  if (SCHEMES_WITH_HOST.has(scheme) || /^mlflow-artifacts:\/\/[^/]/i.test(location)) {
    throw refuse(`the '${scheme}' scheme names a host, and clients would be sent to whatever host it is.`)
  }
  return location.replace(/(?<=[^/:])\/+$/, '')
}

/** @throws AppError bad_request */
export function checkExperimentTag(key: string, value: string): void {
  checkKey(key, 'key')
  checkLength(value, 'value', LIMITS.experimentTagValue)
}

/** The active experiment of this name, made when there is none. */
export async function ensureExperiment(
  ctx: Context,
  actor: Actor,
  project: Project,
  name: string,
): Promise<Experiment> {
  if (name === DEFAULT_NAME) return experimentOf(await defaultExperiment(ctx, project.id))
  const find = async () => {
    const row = await store.experimentByName(ctx.db, project.id, name)
    return row?.lifecycle === 'active' ? experimentOf(row) : undefined
  }
  const found = await find()
  if (found !== undefined) return found
  try {
    return await createExperiment(ctx, actor, project, { name })
  } catch (error) {
    const other = error instanceof AppError && error.code === 'conflict' ? await find() : undefined
    if (other !== undefined) return other // two first requests at once
    throw error
  }
}

/** @throws AppError bad_request */
export function assertActive(experiment: Experiment): void {
  if (experiment.lifecycle !== 'active') {
    throw badRequest(
      `The experiment ${experiment.id} must be in the 'active' state. Current state is deleted.`,
      'experiment_id',
    )
  }
}

/** Row ids of those of these experiments that the project has; ids of no experiment are left out. @throws AppError bad_request */
export async function rowIdsOf(ctx: Context, projectId: string, ids: readonly string[]): Promise<number[]> {
  if (ids.length > 10_000) throw badRequest('At most 10000 experiments can be searched at once.', 'experiment_ids')
  const known = new Set(ids.map(checkedId))
  const withDefault = known.delete(DEFAULT_EXPERIMENT_ID)
  return store.experimentRowIds(ctx.db, projectId, [...known], withDefault)
}

export type ListedExperiment = Experiment & { runCount: number; newestRunAtMs: number | null }

/** Every active and deleted experiment of a project with the number of its active runs. */
export async function listExperiments(ctx: Context, projectId: string): Promise<ListedExperiment[]> {
  await defaultExperiment(ctx, projectId)
  const rows = await store.listExperiments(ctx.db, projectId)
  return rows.map((row) => ({
    ...experimentOf(row),
    runCount: row.run_count,
    newestRunAtMs: row.newest_run_at_ms,
  }))
}
