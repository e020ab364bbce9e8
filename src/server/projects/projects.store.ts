import type { Expression, ExpressionBuilder, Selectable, SqlBool } from 'kysely'
import type { Db } from '../../db/dialect.ts'
import type { ProjectsTable } from '../../db/tables/identity.ts'
import type { Tables } from '../../db/tables.ts'
import type { Actor, Role } from '../../lib/actor.ts'

export type ProjectRow = Selectable<ProjectsTable>
/** A project with the role that this actor has by membership (null: none). */
export type SeenProjectRow = ProjectRow & { member_role: Role | null }

/**
 * The projects an actor may see, as the start of a query: authorisation is part of it, never a filter over its result.
 * Everything that lists across projects joins on it.
 */
export function visibleProjects(db: Db, actor: Actor) {
  return db
    .selectFrom('projects')
    .leftJoin('members', (join) =>
      join.onRef('members.project_id', '=', 'projects.id').on('members.user_id', '=', actor.userId ?? ''),
    )
    .where((eb) => visible(eb as unknown as ExpressionBuilder<Tables, 'projects' | 'members'>, actor))
}

function visible(eb: ExpressionBuilder<Tables, 'projects' | 'members'>, actor: Actor): Expression<SqlBool> {
  if (actor.run !== null) return eb('projects.id', '=', actor.run.projectId)
  if (actor.kind === 'local' || actor.kind === 'system' || actor.isAdmin) return eb('projects.id', 'is not', null)
  if (actor.kind === 'anonymous') return eb('projects.visibility', '=', 'public')
  return eb.or([
    eb('projects.visibility', 'in', ['internal', 'public']),
    eb('projects.owner', '=', actor.name),
    eb('members.role', 'is not', null),
  ])
}

export async function findVisible(
  db: Db,
  actor: Actor,
  owner: string,
  name: string,
): Promise<SeenProjectRow | undefined> {
  return visibleProjects(db, actor)
    .selectAll('projects')
    .select('members.role as member_role')
    .where('projects.owner', '=', owner)
    .where('projects.name', '=', name)
    .executeTakeFirst()
}

export async function listVisible(db: Db, actor: Actor): Promise<SeenProjectRow[]> {
  return visibleProjects(db, actor)
    .selectAll('projects')
    .select('members.role as member_role')
    .orderBy('projects.owner')
    .orderBy('projects.name')
    .execute()
}

export async function projectById(db: Db, id: string): Promise<ProjectRow | undefined> {
  return db.selectFrom('projects').selectAll().where('id', '=', id).executeTakeFirst()
}

export async function insertProject(db: Db, row: ProjectRow): Promise<void> {
  await db.insertInto('projects').values(row).execute()
}

export async function updateProject(
  db: Db,
  id: string,
  change: Partial<Pick<ProjectRow, 'description' | 'visibility' | 'owner'>>,
): Promise<void> {
  await db.updateTable('projects').set(change).where('id', '=', id).execute()
}

export async function listMembers(db: Db, projectId: string): Promise<{ name: string; role: Role }[]> {
  return db
    .selectFrom('members')
    .innerJoin('users', 'users.id', 'members.user_id')
    .select(['users.name', 'members.role'])
    .where('members.project_id', '=', projectId)
    .orderBy('users.name')
    .execute()
}

export async function putMember(
  db: Db,
  row: { project_id: string; user_id: string; role: Role; created_at_ms: number },
): Promise<void> {
  await db
    .insertInto('members')
    .values(row)
    .onConflict((conflict) => conflict.columns(['project_id', 'user_id']).doUpdateSet({ role: row.role }))
    .execute()
}

export async function deleteMember(db: Db, projectId: string, userId: string): Promise<boolean> {
  const result = await db
    .deleteFrom('members')
    .where('project_id', '=', projectId)
    .where('user_id', '=', userId)
    .executeTakeFirst()
  return Number(result.numDeletedRows) > 0
}
