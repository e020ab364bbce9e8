import type { Selectable } from 'kysely'
import type { Db } from '../../db/dialect.ts'
import type { EndpointsTable } from '../../db/tables/serving.ts'

export type EndpointRow = Selectable<EndpointsTable>
/** With the name its model has now. */
export type NamedEndpointRow = EndpointRow & { model_name: string }

function endpoints(db: Db) {
  return db
    .selectFrom('endpoints')
    .innerJoin('registered_models', 'registered_models.id', 'endpoints.model_id')
    .selectAll('endpoints')
    .select('registered_models.name as model_name')
    .where('endpoints.deleted_at_ms', 'is', null)
}

export async function insertEndpoint(db: Db, row: EndpointRow): Promise<void> {
  await db.insertInto('endpoints').values(row).execute()
}

export async function endpointByName(db: Db, projectId: string, name: string): Promise<NamedEndpointRow | undefined> {
  return endpoints(db)
    .where('endpoints.project_id', '=', projectId)
    .where('endpoints.name', '=', name)
    .executeTakeFirst()
}

export async function endpointRow(db: Db, id: string): Promise<NamedEndpointRow | undefined> {
  return endpoints(db).where('endpoints.id', '=', id).executeTakeFirst()
}

export async function listEndpoints(db: Db, projectId: string): Promise<NamedEndpointRow[]> {
  return endpoints(db).where('endpoints.project_id', '=', projectId).orderBy('endpoints.name').execute()
}

export async function updateEndpoint(
  db: Db,
  id: string,
  change: Partial<Pick<EndpointRow, 'alias' | 'version' | 'description' | 'updated_at_ms' | 'deleted_at_ms'>>,
): Promise<void> {
  await db.updateTable('endpoints').set(change).where('id', '=', id).execute()
}
