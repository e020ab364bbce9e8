import { type Context, inTransaction } from '../../context.ts'
import { SYSTEM } from '../../lib/actor.ts'
import { AppError, errorMessage } from '../../lib/errors.ts'
import { recordEvent } from '../events/events.service.ts'
import * as store from './datasets.store.ts'
import { type FileProfile, profileTable } from './profile.ts'
import { describeTable } from './tables.service.ts'
import { versionById, versionFiles } from './versions.service.ts'

/** One profile per table file of a version, sorted by path. */
export type DatasetProfile = { files: FileProfile[] }

const PROFILE_TIMEOUT_MS = 30 * 60_000

/** The profile of a version; null while it is being made, when it failed, and when the version has no tables. */
export async function profileOf(ctx: Context, versionId: string): Promise<DatasetProfile | null> {
  const row = await store.versionById(ctx.db, versionId)
  return row === undefined || row.profile === null ? null : (JSON.parse(row.profile) as DatasetProfile)
}

/**
 * The task `datasets.profile`: reads the version's tables and writes their profile, once. What cannot be profiled says
 * why and is not tried again; only the end of the server leaves the task for the next one.
 */
export async function profileVersion(ctx: Context, payload: Record<string, unknown>): Promise<void> {
  const version = await versionById(ctx, String(payload.version_id))
  if (version.profileState !== 'queued') return
  let profile: DatasetProfile | null = null
  let problem: string | null = null
  try {
    profile = await makeProfile(ctx, version.id)
  } catch (error) {
    if (error instanceof AppError && error.code === 'unavailable') throw error
    ctx.log.warn({ err: error, version: version.id }, 'a dataset version could not be profiled')
    problem = errorMessage(error).slice(0, 2_000)
  }
  await inTransaction(ctx, async (tx) => {
    const state = profile === null ? 'failed' : 'ready'
    const row = {
      profile_state: state,
      profile: profile === null ? null : JSON.stringify(profile),
      profile_error: problem,
    } as const
    if (!(await store.finishProfile(tx.db, version.id, row))) return
    await recordEvent(tx, SYSTEM, {
      projectId: version.projectId,
      verb: 'updated',
      kind: 'dataset_version',
      subject: `${version.dataset}/${version.version}`,
      detail: { profile: state },
    })
  })
}

async function makeProfile(ctx: Context, versionId: string): Promise<DatasetProfile> {
  const files = await versionFiles(ctx, versionId)
  return ctx.tables.use(async (session) => {
    const profiles: FileProfile[] = []
    for (const file of files) {
      const table = await describeTable(ctx, session, file)
      if (table !== null) profiles.push(await profileTable(session, table))
    }
    return { files: profiles }
  }, PROFILE_TIMEOUT_MS)
}
