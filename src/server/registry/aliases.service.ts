import { type Context, inTransaction } from '../../context.ts'
import type { Actor } from '../../lib/actor.ts'
import { AppError, notFound } from '../../lib/errors.ts'
import { recordEvent } from '../events/events.service.ts'
import type { Project } from '../projects/projects.service.ts'
import { aliasChanged } from './announcements.ts'
import { modelRow } from './models.service.ts'
import * as models from './models.store.ts'
import { checkAlias, checkModelName, checkNewAlias, versionNumber } from './names.ts'
import { assertVersionWritable } from './run-rights.service.ts'
import { versionByAlias, versionByNumber } from './versions.store.ts'

/**
 * Points an alias at a version, taking it from the one that had it. The event tells who moved it from where to where.
 * Joins the caller's transaction.
 * @param why the policy's decision that moves it, and its reason
 * @returns the version it pointed at before, null when it is new
 * @throws AppError bad_request (alias, version), not_found, forbidden for a job that would take it from another's version
 */
export async function setAlias(
  ctx: Context,
  actor: Actor,
  project: Project,
  modelName: string,
  alias: string,
  version: number | string,
  why?: { decision: string; because: string },
): Promise<{ alias: string; version: number; from: number | null }> {
  checkNewAlias(alias)
  const number = versionNumber(version)
  return inTransaction(ctx, async (tx) => {
    const model = await modelRow(tx, project.id, checkModelName(modelName))
    const now = tx.now()
    // Before anything is read: the model's row is the lock, so that each move tells the true `from`.
    await models.lockModel(tx.db, model.id)
    const target = await versionByNumber(tx.db, model.id, number)
    if (target === undefined) throw notFound(`Model Version (name=${modelName}, version=${number}) not found`)
    const before = await versionByAlias(tx.db, model.id, alias)
    await assertVersionWritable(tx, actor, target)
    if (before !== undefined) await assertNotTaken(tx, actor, before, alias)
    await models.putAlias(tx.db, {
      model_id: model.id,
      alias,
      version_id: target.id,
      updated_at_ms: now,
      updated_by: actor.name,
    })
    const from = before?.version ?? null
    await recordEvent(tx, actor, {
      projectId: project.id,
      verb: 'promoted',
      kind: 'alias',
      subject: `${modelName}/${number}`,
      detail: { model: modelName, alias, from, to: number, ...why },
      announcement: await aliasChanged(tx, model, alias, number),
    })
    return { alias, version: number, from }
  })
}

/** What an alias stands for is a person's or a policy's choice: a job may not take it away from another run's version. */
async function assertNotTaken(
  ctx: Context,
  actor: Actor,
  before: { project_id: string; run_id: string | null; version: number },
  alias: string,
): Promise<void> {
  if (actor.run === null) return
  try {
    await assertVersionWritable(ctx, actor, before)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    throw new AppError(
      'forbidden',
      `The alias "${alias}" points at version ${before.version} of another run; the token of a job may not move it.`,
      { field: 'alias' },
    )
  }
}

/** Removes an alias; one that is not there is fine. @throws AppError bad_request, not_found for the model, forbidden */
export async function removeAlias(
  ctx: Context,
  actor: Actor,
  project: Project,
  modelName: string,
  alias: string,
): Promise<void> {
  checkAlias(alias)
  await inTransaction(ctx, async (tx) => {
    const model = await modelRow(tx, project.id, checkModelName(modelName))
    if ((await versionByAlias(tx.db, model.id, alias)) === undefined) return
    await models.lockModel(tx.db, model.id)
    const before = await versionByAlias(tx.db, model.id, alias) // under the lock
    if (before === undefined) return
    await assertNotTaken(tx, actor, before, alias)
    await models.deleteAlias(tx.db, model.id, alias)
    await recordEvent(tx, actor, {
      projectId: project.id,
      verb: 'deleted',
      kind: 'alias',
      subject: `${modelName}/${before.version}`,
      detail: { model: modelName, alias, from: before.version, to: null },
      announcement: await aliasChanged(tx, model, alias, null),
    })
  })
}
