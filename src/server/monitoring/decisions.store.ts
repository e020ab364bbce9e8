import type { Selectable } from 'kysely'
import type { Db } from '../../db/dialect.ts'
import type { DecisionState, DecisionsTable } from '../../db/tables/serving.ts'

export type DecisionRow = Selectable<DecisionsTable>

const OPEN: DecisionState[] = ['retraining', 'converting', 'comparing', 'waiting']

/** @throws a unique violation when the policy has an open decision already */
export async function insertDecision(db: Db, row: DecisionRow): Promise<void> {
  await db.insertInto('decisions').values(row).execute()
}

/** Changes a decision that is in one of `from`; false when it is not any more, because another process was there first. */
export async function moveDecision(
  db: Db,
  id: string,
  from: readonly DecisionState[],
  change: Partial<DecisionRow>,
): Promise<boolean> {
  const result = await db
    .updateTable('decisions')
    .set(change)
    .where('id', '=', id)
    .where('state', 'in', [...from])
    .executeTakeFirst()
  return Number(result.numUpdatedRows) > 0
}

/** Gives a decision its job, once; false when it has one or is no longer waiting for it. */
export async function giveJob(db: Db, id: string, jobId: string, datasetVersionId: string): Promise<boolean> {
  const result = await db
    .updateTable('decisions')
    .set({ job_id: jobId, dataset_version_id: datasetVersionId })
    .where('id', '=', id)
    .where('state', '=', 'retraining')
    .where('job_id', 'is', null)
    .executeTakeFirst()
  return Number(result.numUpdatedRows) > 0
}

export async function decisionRow(db: Db, id: string): Promise<DecisionRow | undefined> {
  return db.selectFrom('decisions').selectAll().where('id', '=', id).executeTakeFirst()
}

export async function decisionOfJob(db: Db, jobId: string): Promise<DecisionRow | undefined> {
  return db.selectFrom('decisions').selectAll().where('job_id', '=', jobId).executeTakeFirst()
}

export async function openDecision(db: Db, policyId: string): Promise<DecisionRow | undefined> {
  return db
    .selectFrom('decisions')
    .selectAll()
    .where('policy_id', '=', policyId)
    .where('state', 'in', OPEN)
    .executeTakeFirst()
}

/** The newest decided ones of a policy, newest first, for the cooldown. */
export async function latestDecided(
  db: Db,
  policyId: string,
  limit: number,
): Promise<{ state: DecisionState; decided_at_ms: number }[]> {
  const rows = await db
    .selectFrom('decisions')
    .select(['state', 'decided_at_ms', 'created_at_ms'])
    .where('policy_id', '=', policyId)
    .where('decided_at_ms', 'is not', null)
    .orderBy('decided_at_ms', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
  return rows.map((row) => ({ state: row.state, decided_at_ms: row.decided_at_ms ?? row.created_at_ms }))
}

export type SeenDecisionRow = DecisionRow & {
  endpoint: string
  champion_model: string
  champion_version: number
  challenger_model: string | null
  challenger_version: number | null
  dataset: string | null
  dataset_version: number | null
}

/** Decisions of a project with the names of what they speak of, newest first. */
export async function projectDecisions(
  db: Db,
  projectId: string,
  filter: { endpointId?: string; id?: string; limit: number },
): Promise<SeenDecisionRow[]> {
  let query = db
    .selectFrom('decisions as d')
    .innerJoin('endpoints as e', 'e.id', 'd.endpoint_id')
    .innerJoin('model_versions as cv', 'cv.id', 'd.champion_version_id')
    .innerJoin('registered_models as cm', 'cm.id', 'cv.model_id')
    .leftJoin('model_versions as nv', 'nv.id', 'd.challenger_version_id')
    .leftJoin('registered_models as nm', 'nm.id', 'nv.model_id')
    .leftJoin('dataset_versions as dv', 'dv.id', 'd.dataset_version_id')
    .leftJoin('datasets as ds', 'ds.id', 'dv.dataset_id')
    .selectAll('d')
    .select([
      'e.name as endpoint',
      'cm.name as champion_model',
      'cv.version as champion_version',
      'nm.name as challenger_model',
      'nv.version as challenger_version',
      'ds.name as dataset',
      'dv.version as dataset_version',
    ])
    .where('d.project_id', '=', projectId)
    .orderBy('d.created_at_ms', 'desc')
    .orderBy('d.id', 'desc')
    .limit(filter.limit)
  if (filter.endpointId !== undefined) query = query.where('d.endpoint_id', '=', filter.endpointId)
  if (filter.id !== undefined) query = query.where('d.id', '=', filter.id)
  return query.execute()
}
