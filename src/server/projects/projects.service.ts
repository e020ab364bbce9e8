import { type Context, inTransaction } from '../../context.ts'
import { isUniqueViolation } from '../../db/dialect.ts'
import { type Actor, LOCAL, type Role, type Verb, type Visibility } from '../../lib/actor.ts'
import { AppError, badRequest, conflict, notFound } from '../../lib/errors.ts'
import { newId } from '../../lib/ids.ts'
import { checkSlug, OWNER_MAX_LENGTH, PROJECT_MAX_LENGTH, RESERVED_OWNERS } from '../../lib/slug.ts'
import { recordEvent } from '../events/events.service.ts'
import { findUser } from '../identity/identity.service.ts'
import * as store from './projects.store.ts'

/** A project as one actor sees it. What every project-scoped service takes after ctx and actor. */
export type Project = {
  id: string
  owner: string
  name: string
  description: string
  visibility: Visibility
  createdAtMs: number
  /** The actor's role here. */
  role: Role
}

const RANK: Record<Role, number> = { viewer: 1, editor: 2, owner: 3 }
const NEEDED: Record<Verb, number> = { read: 1, write: 2, manage: 3 }

/** The one question of authorisation: may this actor do this in this project? Token scopes narrow what the role allows. */
export function can(actor: Actor, verb: Verb, project: Project): boolean {
  if (actor.run !== null && (actor.run.projectId !== project.id || verb === 'manage')) return false
  if (verb !== 'read' && actor.scope === 'read') return false
  if (verb === 'manage' && actor.scope !== 'admin') return false
  return RANK[project.role] >= NEEDED[verb]
}

function seen(actor: Actor, row: store.SeenProjectRow): Project {
  return {
    id: row.id,
    owner: row.owner,
    name: row.name,
    description: row.description,
    visibility: row.visibility,
    createdAtMs: row.created_at_ms,
    role: roleOf(actor, row),
  }
}

function roleOf(actor: Actor, row: store.SeenProjectRow): Role {
  if (actor.kind === 'local' || actor.kind === 'system' || actor.isAdmin || row.owner === actor.name) return 'owner'
  return row.member_role ?? (actor.run !== null ? 'editor' : 'viewer')
}

/** The project, when this actor may see it, else null: what one may not see does not exist. */
export function findProject(
  ctx: Context,
  actor: Actor,
  owner: string,
  name: string,
): Project | null | Promise<Project | null> {
  const key = JSON.stringify(['project', actor.kind, actor.userId, actor.isAdmin, actor.run?.projectId, owner, name])
  return ctx.access.get(key, async () => {
    const row = await store.findVisible(ctx.db, actor, owner, name)
    return row === undefined ? null : seen(actor, row)
  })
}

export async function listProjects(ctx: Context, actor: Actor): Promise<Project[]> {
  return (await store.listVisible(ctx.db, actor)).map((row) => seen(actor, row))
}

/** For the platform's own follow-up work, which starts from an id in a row. @throws AppError not_found */
export async function projectForSystem(ctx: Context, id: string): Promise<Project> {
  const row = await store.projectById(ctx.db, id)
  if (row === undefined) throw notFound('The project does not exist any more.')
  return {
    id: row.id,
    owner: row.owner,
    name: row.name,
    description: row.description,
    visibility: row.visibility,
    createdAtMs: row.created_at_ms,
    role: 'owner',
  }
}

export type NewProject = { owner: string; name: string; description?: string; visibility?: Visibility }

/**
 * Makes a project. One may make projects under one's own name; an admin (and `local` without accounts) under any.
 * @throws AppError bad_request, forbidden, conflict
 */
export async function addProject(ctx: Context, actor: Actor, input: NewProject): Promise<Project> {
  const owner = checkSlug(input.owner, 'owner', OWNER_MAX_LENGTH)
  const name = checkSlug(input.name, 'name', PROJECT_MAX_LENGTH)
  if (RESERVED_OWNERS.has(owner)) throw badRequest(`The owner name "${owner}" is reserved.`, 'owner')
  if (actor.run !== null || actor.scope === 'read' || (owner !== actor.name && !actor.isAdmin)) {
    throw new AppError('forbidden', `You may only make projects under your own name (${actor.name}).`, {
      field: 'owner',
    })
  }
  const row: store.ProjectRow = {
    id: newId(ctx.now()),
    owner,
    name,
    description: input.description ?? '',
    visibility: input.visibility ?? 'private',
    created_at_ms: ctx.now(),
    created_by: actor.name,
  }
  try {
    await inTransaction(ctx, async (tx) => {
      await store.insertProject(tx.db, row)
      await recordEvent(tx, actor, {
        projectId: row.id,
        verb: 'created',
        kind: 'project',
        subject: `${owner}/${name}`,
        detail: { visibility: row.visibility },
      })
    })
  } catch (error) {
    if (isUniqueViolation(error)) throw conflict(`The project ${owner}/${name} exists already.`, 'name')
    throw error
  }
  return seen(actor, { ...row, member_role: null })
}

/** The name of the project that everybody has without making it. */
export const DEFAULT_PROJECT = 'default'

/** The caller's default project (`<user>/default`, `local/default`), made when it is first needed. */
export async function defaultProject(ctx: Context, actor: Actor): Promise<Project> {
  const owner = actor.kind === 'user' ? actor.name : LOCAL.name
  if (actor.run !== null) {
    const own = (await store.listVisible(ctx.db, actor))[0]
    if (own === undefined) throw notFound('The project of this token does not exist any more.')
    return seen(actor, own)
  }
  const found = await findProject(ctx, actor, owner, DEFAULT_PROJECT)
  if (found !== null) return found
  try {
    return await addProject(
      ctx,
      { ...actor, scope: 'admin' },
      { owner, name: DEFAULT_PROJECT, description: 'Runs that name no project.' },
    )
  } catch (error) {
    const other = await findProject(ctx, actor, owner, DEFAULT_PROJECT) // two first requests at once
    if (other !== null) return other
    throw error
  }
}

export async function changeProject(
  ctx: Context,
  actor: Actor,
  project: Project,
  change: { description?: string; visibility?: Visibility },
): Promise<Project> {
  await inTransaction(ctx, async (tx) => {
    await store.updateProject(tx.db, project.id, change)
    await recordEvent(tx, actor, {
      projectId: project.id,
      verb: 'updated',
      kind: 'project',
      subject: `${project.owner}/${project.name}`,
      detail: change,
    })
  })
  ctx.access.forget()
  return { ...project, ...change }
}

export async function listMembers(ctx: Context, project: Project): Promise<{ name: string; role: Role }[]> {
  return store.listMembers(ctx.db, project.id)
}

/** Gives a user a role. @throws AppError not_found for an unknown user */
export async function setMember(
  ctx: Context,
  actor: Actor,
  project: Project,
  userName: string,
  role: Role,
): Promise<void> {
  const user = await findUser(ctx, userName)
  await inTransaction(ctx, async (tx) => {
    await store.putMember(tx.db, { project_id: project.id, user_id: user.id, role, created_at_ms: ctx.now() })
    await recordEvent(tx, actor, {
      projectId: project.id,
      verb: 'updated',
      kind: 'member',
      subject: userName,
      detail: { role },
    })
  })
  ctx.access.forget()
}

/** @throws AppError not_found */
export async function removeMember(ctx: Context, actor: Actor, project: Project, userName: string): Promise<void> {
  const user = await findUser(ctx, userName)
  await inTransaction(ctx, async (tx) => {
    if (!(await store.deleteMember(tx.db, project.id, user.id))) throw notFound(`${userName} is not a member.`)
    await recordEvent(tx, actor, { projectId: project.id, verb: 'deleted', kind: 'member', subject: userName })
  })
  ctx.access.forget()
}
