import type { Context } from '../../context.ts'
import type { Actor } from '../../lib/actor.ts'
import { AppError, badRequest } from '../../lib/errors.ts'
import type { Project } from '../projects/projects.service.ts'
import type { ModelVersion } from './lookup.service.ts'
import { ACTIVE_STAGES, canonicalStage } from './names.ts'
import { changeVersion } from './version-changes.service.ts'
import { archiveOthers, updateVersion } from './versions.store.ts'

/**
 * Moves a version to a stage (MLflow's older idea of an alias; any case of the name).
 * @param archiveOthersThere the versions that are in that stage go to Archived; only for Staging and Production
 * @throws AppError bad_request for an unknown stage, not_found, forbidden for a job that would archive others' versions
 */
export async function transitionStage(
  ctx: Context,
  actor: Actor,
  project: Project,
  name: string,
  version: number | string,
  stageName: string,
  archiveOthersThere: boolean,
): Promise<ModelVersion> {
  const stage = canonicalStage(stageName)
  if (archiveOthersThere && !ACTIVE_STAGES.includes(stage)) {
    throw badRequest(
      `Model version transition cannot archive existing model versions because '${stage}' is not an Active stage. Valid stages are ${ACTIVE_STAGES.join(', ')}.`,
      'archive_existing_versions',
    )
  }
  if (archiveOthersThere && actor.run !== null)
    throw new AppError('forbidden', 'The token of a job may not archive versions of other runs.')
  return changeVersion(ctx, actor, project, name, version, async (tx, row) => {
    const others = archiveOthersThere ? await archiveOthers(tx.db, row.model_id, stage, row.id, tx.now()) : []
    await updateVersion(tx.db, row.id, { stage })
    const archived = others.map((other) => ({ version: other, from: stage }))
    const detail = { stage: { from: row.stage, to: stage }, ...(archived.length === 0 ? {} : { archived }) }
    return { verb: 'updated', detail, dates: 'version and model' }
  })
}
