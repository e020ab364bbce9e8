import { type Context, inTransaction } from '../../context.ts'
import { isUniqueViolation } from '../../db/dialect.ts'
import type { Actor } from '../../lib/actor.ts'
import { AppError, badRequest, conflict, notFound } from '../../lib/errors.ts'
import { newId } from '../../lib/ids.ts'
import { checkName } from '../../lib/slug.ts'
import { recordEvent } from '../events/events.service.ts'
import type { Project } from '../projects/projects.service.ts'
import { findModelVersion, type ModelVersion } from '../registry/versions.service.ts'
import * as store from './endpoints.store.ts'

export type Endpoint = {
  id: string
  projectId: string
  name: string
  description: string
  modelId: string
  /** The name the model has now. */
  modelName: string
  /** Follows this alias, or, when null, serves `version`. */
  alias: string | null
  version: number | null
  createdBy: string
  createdAtMs: number
  updatedAtMs: number
}

export type NewEndpoint = { name: string; model: string; alias?: string; version?: number; description?: string }
export type EndpointUpdate = { alias?: string; version?: number; description?: string }

function fromRow(row: store.NamedEndpointRow): Endpoint {
  return {
    id: row.id,
    projectId: row.project_id,
    name: row.name,
    description: row.description,
    modelId: row.model_id,
    modelName: row.model_name,
    alias: row.alias,
    version: row.version,
    createdBy: row.created_by,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
  }
}

/**
 * Makes an endpoint on an alias or on one fixed version.
 * @throws AppError bad_request, not_found (no such model, alias or version), conflict (name taken)
 */
export async function addEndpoint(ctx: Context, actor: Actor, project: Project, input: NewEndpoint): Promise<Endpoint> {
  const name = checkName(input.name, 'name')
  if ((input.alias === undefined) === (input.version === undefined)) {
    throw badRequest('Give either alias (the endpoint follows it) or version (it serves that one only).', 'alias')
  }
  const now = ctx.now()
  try {
    return await inTransaction(ctx, async (tx) => {
      const version = await findModelVersion(tx, project.id, input.model, {
        alias: input.alias,
        version: input.version,
      })
      const row: store.EndpointRow = {
        id: newId(now),
        project_id: project.id,
        name,
        description: input.description ?? '',
        model_id: version.modelId,
        alias: input.alias ?? null,
        version: input.version ?? null,
        created_by: actor.name,
        created_at_ms: now,
        updated_at_ms: now,
        deleted_at_ms: null,
      }
      await store.insertEndpoint(tx.db, row)
      await recordEvent(tx, actor, {
        projectId: project.id,
        verb: 'created',
        kind: 'endpoint',
        subject: name,
        detail: { model: version.name, alias: row.alias, version: row.version },
      })
      return fromRow({ ...row, model_name: version.name })
    })
  } catch (error) {
    if (isUniqueViolation(error)) throw conflict(`The project has an endpoint "${name}" already.`, 'name')
    throw error
  }
}

export async function listEndpoints(ctx: Context, projectId: string): Promise<Endpoint[]> {
  return (await store.listEndpoints(ctx.db, projectId)).map(fromRow)
}

/** @throws AppError not_found */
export async function findEndpoint(ctx: Context, projectId: string, name: string): Promise<Endpoint> {
  const row = await store.endpointByName(ctx.db, projectId, name)
  if (row === undefined) throw notFound(`The project has no endpoint "${name.slice(0, 100)}".`)
  return fromRow(row)
}

/** For the platform's own work, which starts from an id in a row. @throws AppError not_found */
export async function endpointById(ctx: Context, id: string): Promise<Endpoint> {
  const row = await store.endpointRow(ctx.db, id)
  if (row === undefined) throw notFound('The endpoint does not exist any more.')
  return fromRow(row)
}

/**
 * Changes what an endpoint serves (another alias, or a fixed version) or its description.
 * @throws AppError bad_request, not_found
 */
export async function changeEndpoint(
  ctx: Context,
  actor: Actor,
  project: Project,
  name: string,
  change: EndpointUpdate,
): Promise<Endpoint> {
  if (change.alias !== undefined && change.version !== undefined)
    throw badRequest('Give alias or version, not both.', 'alias')
  return inTransaction(ctx, async (tx) => {
    const endpoint = await findEndpoint(tx, project.id, name)
    const moved = change.alias !== undefined || change.version !== undefined
    if (moved)
      await findModelVersion(tx, project.id, endpoint.modelName, { alias: change.alias, version: change.version })
    await store.updateEndpoint(tx.db, endpoint.id, {
      ...(change.description === undefined ? {} : { description: change.description }),
      ...(moved ? { alias: change.alias ?? null, version: change.version ?? null } : {}),
      updated_at_ms: tx.now(),
    })
    await recordEvent(tx, actor, {
      projectId: project.id,
      verb: 'updated',
      kind: 'endpoint',
      subject: name,
      detail: change,
    })
    return findEndpoint(tx, project.id, name)
  })
}

/** Takes an endpoint away; its recorded predictions stay, and its name is free again. @throws AppError not_found */
export async function removeEndpoint(ctx: Context, actor: Actor, project: Project, name: string): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const endpoint = await findEndpoint(tx, project.id, name)
    await store.updateEndpoint(tx.db, endpoint.id, { deleted_at_ms: tx.now(), updated_at_ms: tx.now() })
    await recordEvent(tx, actor, { projectId: project.id, verb: 'deleted', kind: 'endpoint', subject: name })
    tx.models.rollouts.forget(endpoint.id)
  })
}

/**
 * The version this endpoint should serve: its fixed one, or what its alias points at, read anew at most every 200 ms and
 * after each event that may move it. What answers right now may still be an older one (rollout.service.ts).
 * @throws AppError unavailable when the alias points at nothing, or the model or version was deleted
 */
export async function servedVersion(ctx: Context, endpoint: Endpoint): Promise<ModelVersion> {
  if (ctx.db.isTransaction) return readTarget(ctx, endpoint)
  ctx.models.watch(ctx)
  const key = `${endpoint.id} ${endpoint.modelName} ${endpoint.alias ?? ''} ${endpoint.version ?? ''}`
  return ctx.models.targets.get(key, () => readTarget(ctx, endpoint))
}

async function readTarget(ctx: Context, endpoint: Endpoint): Promise<ModelVersion> {
  const wanted = endpoint.alias === null ? { version: endpoint.version ?? 0 } : { alias: endpoint.alias }
  try {
    return await findModelVersion(ctx, endpoint.projectId, endpoint.modelName, wanted)
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'not_found') throw error
    const what =
      endpoint.alias === null ? `version ${endpoint.version}` : `version behind the alias "${endpoint.alias}"`
    const message = `The endpoint "${endpoint.name}" serves nothing: the model ${endpoint.modelName} has no ${what} any more. Point the endpoint or the alias at a version.`
    throw new AppError('unavailable', message, { cause: error, retryAfterSeconds: 5 })
  }
}
