import { type Context, inTransaction } from '../../context.ts'
import type { Actor } from '../../lib/actor.ts'
import { AppError, badRequest, notFound } from '../../lib/errors.ts'
import { recordEvent } from '../events/events.service.ts'
import { contentOf, deleteProject, lockProject } from './deletion.store.ts'
import {
  addProject,
  can,
  changeProject,
  DEFAULT_PROJECT,
  defaultProject,
  findProject,
  type Project,
} from './projects.service.ts'

/** MLflow's name of the workspace of those who name none: here the caller's own default project. */
export const DEFAULT_WORKSPACE = 'default'

const NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
const RESERVED = new Set(['workspaces', 'api', 'ajax-api', 'static-files'])
const DESCRIPTION_MAX = 10_000

/** A project's name as an MLflow workspace: `owner--name`, which its rules for names allow and our slugs keep unambiguous. */
export function workspaceName(project: { owner: string; name: string }): string {
  return `${project.owner}--${project.name}`
}

/** MLflow's rules for names of workspaces. @throws AppError bad_request */
function checkWorkspaceName(name: string): string {
  const shown = name.slice(0, 80)
  if (name.length < 2 || name.length > 63)
    throw badRequest(`Workspace name '${shown}' must be between 2 and 63 characters.`, 'name')
  if (!NAME.test(name)) {
    throw badRequest(
      `Workspace name '${shown}' must match the pattern ${NAME.source} (lowercase alphanumeric with optional internal hyphens).`,
      'name',
    )
  }
  if (RESERVED.has(name)) throw badRequest(`Workspace name '${shown}' is reserved and cannot be used.`, 'name')
  return name
}

/** Owner and project of a workspace's name; null for a name that no project can have. */
function partsOf(name: string): { owner: string; name: string } | null {
  const [owner = '', project = '', ...more] = name.split('--')
  return owner === '' || project === '' || more.length > 0 ? null : { owner, name: project }
}

/** The project behind a workspace, as this actor sees it. @throws AppError bad_request, not_found */
export async function getWorkspace(ctx: Context, actor: Actor, name: string): Promise<Project> {
  if (name === DEFAULT_WORKSPACE) return defaultProject(ctx, actor)
  const parts = partsOf(checkWorkspaceName(name))
  const project = parts === null ? null : await findProject(ctx, actor, parts.owner, parts.name)
  if (project === null) throw notFound(`Workspace '${name}' not found.`)
  return project
}

/** @throws AppError bad_request (also for a name that is not `owner--project`), forbidden, conflict */
export async function createWorkspace(
  ctx: Context,
  actor: Actor,
  input: { name: string; description?: string | undefined },
): Promise<Project> {
  if (input.name === DEFAULT_WORKSPACE)
    throw badRequest(`The '${DEFAULT_WORKSPACE}' workspace is reserved and cannot be created`, 'name')
  const parts = partsOf(checkWorkspaceName(input.name))
  if (parts === null) {
    throw badRequest(
      `Workspaces are projects here and are named <owner>--<project>, for example '${actor.name}--${input.name.replaceAll(/-+/g, '-').slice(0, 31)}', not '${input.name}'.`,
      'name',
    )
  }
  return addProject(ctx, actor, { ...parts, description: checkDescription(input.description) ?? '' })
}

/** @throws AppError bad_request, not_found, forbidden */
export async function updateWorkspace(
  ctx: Context,
  actor: Actor,
  name: string,
  input: { description?: string | undefined },
): Promise<Project> {
  const project = await managed(ctx, actor, name)
  const description = checkDescription(input.description)
  return description === undefined ? project : changeProject(ctx, actor, project, { description })
}

/**
 * Deletes an empty project. One that holds anything stays, also when all of it lies in the recycle bin: a project holds
 * more than MLflow knows of (datasets, jobs, endpoints and their predictions), and other things may have come from it.
 * @throws AppError bad_request naming what it holds, not_found, forbidden
 */
export async function deleteWorkspace(ctx: Context, actor: Actor, name: string): Promise<void> {
  if (name === DEFAULT_WORKSPACE)
    throw badRequest(`The '${DEFAULT_WORKSPACE}' workspace is reserved and cannot be deleted`, 'name')
  const project = await managed(ctx, actor, name)
  if (project.name === DEFAULT_PROJECT)
    throw badRequest(`'${name}' is the default project of ${project.owner} and cannot be deleted.`, 'name')
  await inTransaction(ctx, async (tx) => {
    if ((await lockProject(tx.db, project.id)) === undefined)
      throw badRequest(`Workspace '${name}' is being written to, or was deleted, just now: try again.`, 'name')
    const held = await contentOf(tx.db, project.id)
    if (held.length > 0) {
      throw badRequest(
        `Cannot delete workspace '${name}': it still holds ${held.join(', ')}. Delete them for ever first; what lies in the recycle bin counts, and so do deleted models, which are kept for lineage.`,
        'name',
      )
    }
    await deleteProject(tx.db, project.id)
    await recordEvent(tx, actor, {
      projectId: null,
      verb: 'deleted',
      kind: 'project',
      subject: `${project.owner}/${project.name}`,
      detail: { id: project.id },
    })
  })
  ctx.access.forget()
}

async function managed(ctx: Context, actor: Actor, name: string): Promise<Project> {
  const project = await getWorkspace(ctx, actor, name)
  if (can(actor, 'manage', project)) return project
  throw new AppError(
    'forbidden',
    `Only an owner of ${project.owner}/${project.name} may do this: you are ${project.role}.`,
  )
}

function checkDescription(description: string | undefined): string | undefined {
  if ((description?.length ?? 0) > DESCRIPTION_MAX)
    throw badRequest(`description may have at most ${DESCRIPTION_MAX} characters.`, 'description')
  return description
}
