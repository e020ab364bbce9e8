import type { Context } from '../../context.ts'
import type { Actor } from '../../lib/actor.ts'
import { badRequest } from '../../lib/errors.ts'
import { newId } from '../../lib/ids.ts'
import type { Project } from '../projects/projects.service.ts'
import { changeDataset, digestOf, getEvaluationDataset } from './evaluation-datasets.service.ts'
import * as store from './evaluation-datasets.store.ts'
import {
  extendedSchema,
  inputHash,
  mergedRecord,
  parseRecord,
  type RecordContent,
  userOf,
} from './evaluation-records.ts'

/** Most records of one request, and the longest one as JSON. */
export const RECORDS_PER_REQUEST = 5_000
const RECORD_BYTES = 1024 * 1024

/**
 * Adds records; one whose inputs are there already is merged into that one.
 * @throws AppError not_found, bad_request (size), forbidden
 */
export async function upsertRecords(
  ctx: Context,
  actor: Actor,
  project: Project,
  id: string,
  records: readonly RecordContent[],
): Promise<{ inserted: number; updated: number }> {
  const hashes = records.map(inputHash)
  return changeDataset(ctx, actor, project, id, 'updated', { records: records.length }, async (tx, dataset) => {
    const now = tx.now()
    const known = new Map((await store.recordsByHash(tx.db, id, hashes)).map((row) => [row.input_hash, row]))
    const rows = new Map<string, store.RecordRow>()
    let updated = 0
    for (const [index, record] of records.entries()) {
      const hash = hashes[index] ?? ''
      const before = rows.get(hash) ?? known.get(hash)
      if (before !== undefined) updated += 1
      const user = userOf(record)
      const by = user === undefined ? {} : { created_by: user, last_updated_by: user }
      const content = JSON.stringify(
        before === undefined
          ? { ...record, ...by, last_update_time: now }
          : mergedRecord(parseRecord(before.content), record, now),
      )
      if (content.length > RECORD_BYTES)
        throw badRequest(`A record may have at most ${RECORD_BYTES} bytes of JSON.`, `records[${index}]`)
      const row = before ?? { id: `dr-${newId(now)}`, dataset_id: id, input_hash: hash, created_at_ms: now }
      rows.set(hash, { ...row, content })
    }
    await store.putRecords(tx.db, [...rows.values()])
    const user = records.map(userOf).findLast((name) => name !== undefined)
    await store.updateDataset(tx.db, id, {
      schema: extendedSchema(dataset.schema, records),
      profile: JSON.stringify({ num_records: await store.countRecords(tx.db, id) }),
      digest: digestOf(dataset.name, now),
      updated_at_ms: now,
      ...(user === undefined ? {} : { updated_by: user }),
    })
    return { inserted: records.length - updated, updated }
  })
}

/** @returns how many were there. @throws AppError not_found (dataset), forbidden */
export async function deleteEvaluationRecords(
  ctx: Context,
  actor: Actor,
  project: Project,
  id: string,
  recordIds: readonly string[],
): Promise<number> {
  return changeDataset(ctx, actor, project, id, 'updated', { records_deleted: recordIds.length }, async (tx) => {
    const deleted = await store.deleteRecords(tx.db, id, recordIds)
    const left = await store.countRecords(tx.db, id)
    await store.updateDataset(tx.db, id, { profile: JSON.stringify({ num_records: left }) })
    return deleted
  })
}

/** Records in the order they came, as JSON objects of MLflow's client. @throws AppError not_found, bad_request (page_token) */
export async function evaluationRecords(
  ctx: Context,
  projectId: string,
  id: string,
  page: { limit: number; token?: string },
): Promise<{ records: Record<string, unknown>[]; nextPageToken: string | null }> {
  await getEvaluationDataset(ctx, projectId, id)
  const rows = await store.recordsPage(ctx.db, id, cursorOf(page.token), page.limit + 1)
  const last = rows.length > page.limit ? rows[page.limit - 1] : undefined
  return {
    records: rows.slice(0, page.limit).map((row) => {
      const { last_update_time = row.created_at_ms, source, ...content } = parseRecord(row.content)
      return {
        dataset_record_id: row.id,
        dataset_id: id,
        ...content,
        ...(source === undefined ? {} : { source, source_type: source.source_type ?? 'UNSPECIFIED' }),
        created_time: row.created_at_ms,
        last_update_time,
      }
    }),
    nextPageToken: last === undefined ? null : Buffer.from(`${last.created_at_ms}:${last.id}`).toString('base64'),
  }
}

function cursorOf(token: string | undefined): { createdAtMs: number; id: string } | null {
  if (token === undefined || token === '') return null
  const match = /^(\d{1,15}):(dr-[0-9a-f]{32})$/.exec(Buffer.from(token, 'base64').toString('utf8'))
  if (match === null) throw badRequest('Invalid page token: it is none that this list gave out.', 'page_token')
  return { createdAtMs: Number(match[1]), id: match[2] ?? '' }
}
