import { type Context, inTransaction } from '../../context.ts'
import type { Actor } from '../../lib/actor.ts'
import { AppError, notFound } from '../../lib/errors.ts'
import { recordEvent } from '../events/events.service.ts'
import type { Announcement } from '../events/webhooks-events.ts'
import type { Project } from '../projects/projects.service.ts'
import { versionTagChanged } from './announcements.ts'
import { loadVersions, type ModelVersion } from './lookup.service.ts'
import { modelRow } from './models.service.ts'
import { deleteAliasesOfVersion, lockModel, updateModel } from './models.store.ts'
import { checkModelName, checkTag, checkTagKey, checkText, versionNumber } from './names.ts'
import { assertVersionWritable } from './run-rights.service.ts'
import * as store from './versions.store.ts'

/** `dates`: whose time of last change moves with it, as in MLflow: tags and aliases move none. */
type Change = {
  verb: string
  detail: Record<string, unknown>
  dates: 'nothing' | 'version' | 'version and model'
  announcement?: Announcement | undefined
}

/** One change of one version in a transaction: finds it, checks the actor's right, does the work, dates it, records it. */
export async function changeVersion(
  ctx: Context,
  actor: Actor,
  project: Project,
  name: string,
  version: number | string,
  work: (tx: Context, row: store.NamedVersionRow) => Promise<Change>,
): Promise<ModelVersion> {
  return inTransaction(ctx, async (tx) => {
    const model = await modelRow(tx, project.id, checkModelName(name))
    const number = versionNumber(version)
    // First, as in every change below a model: its row is the lock that puts them one behind the other.
    await lockModel(tx.db, model.id)
    const row = await store.versionByNumber(tx.db, model.id, number)
    if (row === undefined) throw notFound(`Model Version (name=${name}, version=${number}) not found`)
    await assertVersionWritable(tx, actor, row)
    const { verb, detail, dates, announcement } = await work(tx, row)
    if (dates !== 'nothing') await store.updateVersion(tx.db, row.id, { updated_at_ms: tx.now() })
    if (dates === 'version and model') await updateModel(tx.db, model.id, { updated_at_ms: tx.now() })
    await recordEvent(tx, actor, {
      projectId: project.id,
      verb,
      kind: 'model_version',
      subject: `${name}/${number}`,
      detail,
      announcement,
    })
    const changed = await store.versionById(tx.db, row.id)
    const [loaded] = await loadVersions(tx, [changed!])
    return loaded!
  })
}

/** @throws AppError not_found, bad_request */
export async function describeVersion(
  ctx: Context,
  actor: Actor,
  project: Project,
  name: string,
  version: number | string,
  description: string,
) {
  checkText(description, 'description')
  return changeVersion(ctx, actor, project, name, version, async (tx, row) => {
    await store.updateVersion(tx.db, row.id, { description })
    return { verb: 'updated', detail: { changed: 'description' }, dates: 'version' }
  })
}

/** Deletes a version and the aliases on it; its number is never given again. @throws AppError not_found, bad_request */
export async function deleteVersion(
  ctx: Context,
  actor: Actor,
  project: Project,
  name: string,
  version: number | string,
): Promise<void> {
  if (actor.run !== null) throw new AppError('forbidden', 'The token of a job may not delete a model version.')
  await changeVersion(ctx, actor, project, name, version, async (tx, row) => {
    const aliases = (await store.aliasesOfVersions(tx.db, [row.id])).map(({ alias }) => alias)
    await deleteAliasesOfVersion(tx.db, row.id)
    await store.updateVersion(tx.db, row.id, { deleted_at_ms: tx.now() })
    return { verb: 'deleted', detail: aliases.length === 0 ? {} : { aliases }, dates: 'version and model' }
  })
}

/** @throws AppError not_found, bad_request */
export async function setVersionTag(
  ctx: Context,
  actor: Actor,
  project: Project,
  name: string,
  version: number | string,
  key: string,
  value: string,
): Promise<void> {
  checkTag(key, value)
  await changeVersion(ctx, actor, project, name, version, async (tx, row) => {
    await store.putVersionTag(tx.db, row.id, key, value)
    const announcement = await versionTagChanged(tx, row, key, value)
    return { verb: 'updated', detail: { tag: key }, dates: 'nothing', announcement }
  })
}

/** Removes a tag; one that is not there is fine. @throws AppError not_found for the version */
export async function removeVersionTag(
  ctx: Context,
  actor: Actor,
  project: Project,
  name: string,
  version: number | string,
  key: string,
): Promise<void> {
  checkTagKey(key)
  await changeVersion(ctx, actor, project, name, version, async (tx, row) => {
    await store.deleteVersionTag(tx.db, row.id, key)
    const announcement = await versionTagChanged(tx, row, key, null)
    return { verb: 'updated', detail: { tag_removed: key }, dates: 'nothing', announcement }
  })
}
