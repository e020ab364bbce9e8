import type { Selectable } from 'kysely'
import type { Db } from '../../db/dialect.ts'
import type { PoliciesTable } from '../../db/tables/serving.ts'

export type PolicyRow = Selectable<PoliciesTable>

export async function policyOf(db: Db, endpointId: string): Promise<PolicyRow | undefined> {
  return db.selectFrom('policies').selectAll().where('endpoint_id', '=', endpointId).executeTakeFirst()
}

/** Makes the endpoint's policy or changes it; who made it and when stays. */
export async function putPolicy(db: Db, row: PolicyRow): Promise<PolicyRow> {
  return db
    .insertInto('policies')
    .values(row)
    .onConflict((conflict) =>
      conflict
        .column('endpoint_id')
        .doUpdateSet({ enabled: row.enabled, spec: row.spec, updated_at_ms: row.updated_at_ms }),
    )
    .returningAll()
    .executeTakeFirstOrThrow()
}
