import type { Selectable } from 'kysely'
import type { Db } from '../../db/dialect.ts'
import type { TraceAssessmentsTable } from '../../db/tables/traces.ts'

export type AssessmentRow = Selectable<TraceAssessmentsTable>

export async function assessmentsOfTraces(db: Db, traces: readonly number[]): Promise<AssessmentRow[]> {
  if (traces.length === 0) return []
  return db
    .selectFrom('trace_assessments')
    .selectAll()
    .where('trace', 'in', traces)
    .orderBy('created_at_ms')
    .orderBy('id')
    .execute()
}

export async function assessmentById(db: Db, trace: number, id: string): Promise<AssessmentRow | undefined> {
  return db
    .selectFrom('trace_assessments')
    .selectAll()
    .where('trace', '=', trace)
    .where('id', '=', id)
    .executeTakeFirst()
}

export async function countAssessments(db: Db, trace: number): Promise<number> {
  const row = await db
    .selectFrom('trace_assessments')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('trace', '=', trace)
    .executeTakeFirstOrThrow()
  return Number(row.count)
}

/** Writes an assessment; one of the same id is replaced. */
export async function putAssessment(db: Db, row: AssessmentRow): Promise<void> {
  const { trace, id, ...values } = row
  await db
    .insertInto('trace_assessments')
    .values(row)
    .onConflict((conflict) => conflict.columns(['trace', 'id']).doUpdateSet(values))
    .execute()
}

/** Says that another assessment took this one's place, or that it counts again. */
export async function setValid(db: Db, trace: number, id: string, valid: boolean): Promise<boolean> {
  const done = await db
    .updateTable('trace_assessments')
    .set({ valid: valid ? 1 : 0 })
    .where('trace', '=', trace)
    .where('id', '=', id)
    .executeTakeFirst()
  return done.numUpdatedRows > 0n
}

export async function deleteAssessmentRow(db: Db, trace: number, id: string): Promise<void> {
  await db.deleteFrom('trace_assessments').where('trace', '=', trace).where('id', '=', id).execute()
}
