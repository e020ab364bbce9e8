import type { Context } from '../../context.ts'
import { type HistoryRow, movesOfModel, renamingTo } from './history.store.ts'
import { modelRow } from './models.service.ts'
import { checkModelName } from './names.ts'

/** Names that a model had one after the other, which are followed back at most. */
const NAMES_MAX = 20

/** One step of a version: an alias that moved to it or away, or a stage that it came to. */
export type Promotion = {
  /** Of the audit row that tells it. */
  eventId: number
  atMs: number
  by: string
  /** Null for a change of stage. */
  alias: string | null
  /** The version that had the alias, or the stage that the version was in; null for none. */
  from: number | string | null
  to: number | string | null
  /** Of a change of stage: the version that changed it. */
  version: number | null
  /** The policy's decision that did it. */
  decisionId: string | null
  /** Why, in a sentence, where somebody said so. */
  because: string | null
}

/**
 * Who moved which alias or stage of a model when and why, newest first: what the audit log keeps, under whatever name the
 * model had then. A page has what at most `limit` audit rows tell; `nextBefore` is the `before` of the next, null on the last.
 * @throws AppError not_found
 */
export async function promotionsOf(
  ctx: Context,
  projectId: string,
  modelName: string,
  page: { before: number | null; limit: number },
): Promise<{ promotions: Promotion[]; nextBefore: number | null }> {
  const model = await modelRow(ctx, projectId, checkModelName(modelName))
  const rows: HistoryRow[] = []
  let [name, newest] = [model.name, Number.MAX_SAFE_INTEGER]
  for (let names = 0; names < NAMES_MAX && rows.length <= page.limit; names++) {
    const all = { afterId: 0, beforeId: newest, sinceMs: model.created_at_ms }
    const renamed = await renamingTo(ctx.db, projectId, name, all)
    const beforeId = Math.min(newest, page.before ?? newest)
    const stretch = { ...all, afterId: renamed?.id ?? 0, beforeId }
    rows.push(...(await movesOfModel(ctx.db, projectId, name, stretch, page.limit + 1 - rows.length)))
    if (renamed === undefined) break
    name = String((JSON.parse(renamed.detail) as { from?: unknown }).from ?? '')
    newest = renamed.id
  }
  const shown = rows.slice(0, page.limit)
  return {
    promotions: shown.flatMap(promotionsIn),
    nextBefore: rows.length > page.limit ? (shown.at(-1)?.id ?? null) : null,
  }
}

type Detail = {
  alias?: string
  from?: number | null
  to?: number | null
  decision?: string
  because?: string
  stage?: { from: string; to: string }
  archived?: { version: number; from: string }[]
  aliases?: string[]
}

/** What one audit row tells. */
function promotionsIn(row: HistoryRow): Promotion[] {
  const detail = JSON.parse(row.detail) as Detail
  const version = Number(row.subject.slice(row.subject.lastIndexOf('/') + 1))
  const common = {
    eventId: row.id,
    atMs: row.created_at_ms,
    by: row.actor,
    version: null,
    decisionId: detail.decision ?? null,
    because: detail.because ?? null,
  }
  if (row.kind === 'alias')
    return [{ ...common, alias: detail.alias ?? '', from: detail.from ?? null, to: detail.to ?? null }]
  if (detail.stage !== undefined) {
    const staged = { ...common, alias: null }
    return [
      { ...staged, version, ...detail.stage },
      ...(detail.archived ?? []).map((other) => ({
        ...staged,
        ...other,
        to: 'Archived',
        because: `Version ${version} took its place.`,
      })),
    ]
  }
  const because = `Version ${version} was deleted.`
  return (detail.aliases ?? []).map((alias) => ({ ...common, alias, from: version, to: null, because }))
}
