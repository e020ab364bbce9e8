import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Context } from '../../../context.ts'
import type { Permission } from '../../../http/request.ts'
import { badRequest } from '../../../lib/errors.ts'
import { listProjects, type Project } from '../../projects/projects.service.ts'
import {
  createWorkspace,
  DEFAULT_WORKSPACE,
  deleteWorkspace,
  getWorkspace,
  updateWorkspace,
  workspaceName,
} from '../../projects/workspaces.service.ts'
import { decodeRequest, encode, type Message, optionalMessage, optionalString, requiredString } from './wire.ts'

const ROOTS = ['/api/3.0/mlflow/workspaces', '/ajax-api/3.0/mlflow/workspaces']
const DELETION_MODES = ['SET_DEFAULT', 'CASCADE', 'RESTRICT']

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>

function message(name: string, project: Project): object {
  return { name, description: project.description }
}

/** The workspace that the request's header names, `default` when it names none. */
function named(request: FastifyRequest): string {
  const header = request.headers['x-mlflow-workspace']
  return typeof header === 'string' && header !== '' ? header : DEFAULT_WORKSPACE
}

/**
 * What a request's project is called in its answer: as the header called it, `default` where there was none. At a project's
 * own tracking URI it is that project, whatever the header.
 */
export function namedWorkspace(request: FastifyRequest, project: Project): string {
  const { owner } = request.params as { owner?: string }
  return owner === undefined ? named(request) : workspaceName(project)
}

/**
 * At a project's own tracking URI there is one workspace, that project: a header that names another one is a mistake of
 * the client's settings, which must not write into the wrong project.
 */
export function refuseOtherWorkspace(request: FastifyRequest): void {
  const { owner, project } = request.params as { owner?: string; project?: string }
  if (owner === undefined || project === undefined || request.routeOptions.config.permission === 'public') return
  const wanted = named(request)
  if (wanted === DEFAULT_WORKSPACE || wanted === workspaceName({ owner, name: project })) return
  throw badRequest(
    `This tracking URI is that of the project ${owner}/${project}, but the request names the workspace '${wanted.slice(0, 80)}'. Unset MLFLOW_WORKSPACE, or set MLFLOW_TRACKING_URI to the server's root.`,
    'X-MLFLOW-WORKSPACE',
  )
}

/**
 * MLflow's clients may write the workspace before a proxied path: `workspaces/<name>/…` is that path in that project, which
 * must be the one of the request.
 */
export function stripWorkspacePath(request: FastifyRequest): void {
  const { project } = request
  if (project === null || request.routeOptions.url?.includes('/mlflow-artifacts/') !== true) return
  const strip = (holder: Record<string, unknown>, field: string) => {
    const path = holder[field]
    if (typeof path === 'string') holder[field] = withoutWorkspace(path, project, named(request))
  }
  strip(request.params as Record<string, unknown>, '*')
  strip(request.query as Record<string, unknown>, 'path')
}

function withoutWorkspace(path: string, project: Project, header: string): string {
  const [first, name = '', ...rest] = path.replace(/^\/+/, '').split('/')
  if (first !== 'workspaces') return path
  if (name === '') throw badRequest("Artifact paths prefixed with 'workspaces/' must include a workspace name.", 'path')
  if (name !== workspaceName(project) && (name !== DEFAULT_WORKSPACE || header !== DEFAULT_WORKSPACE)) {
    throw badRequest(
      `Artifact path targets workspace '${name.slice(0, 80)}' but the workspace specified in the request is '${workspaceName(project)}'.`,
      'path',
    )
  }
  return rest.join('/')
}

/**
 * Workspaces are our projects. At the root a caller sees all that are visible to them; at a project's tracking URI there is
 * that one.
 */
export function workspaceRoutes(app: FastifyInstance, ctx: Context, place: 'root' | 'project'): void {
  const add = (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, permission: Permission, handler: Handler) => {
    const config = { permission: place === 'root' ? ('signed-in' as const) : permission, door: true }
    for (const root of ROOTS) {
      app.route({
        method,
        url: `${root}${path}`,
        config,
        schema: { hide: true },
        handler: async (request, reply) => {
          // As in MLflow, a call that comes from a workspace which is not there is refused, whatever it asks for.
          if (place === 'root' && named(request) !== DEFAULT_WORKSPACE)
            await getWorkspace(ctx, request.actor, named(request))
          return handler(request, reply.type('application/json'))
        },
      })
    }
  }
  add('GET', '', 'read', async (request, reply) => {
    const projects = request.project !== null ? [request.project] : await listProjects(ctx, request.actor)
    return reply.send(encode({ workspaces: projects.map((project) => message(workspaceName(project), project)) }))
  })
  add('POST', '', 'manage', async (request, reply) => {
    if (request.project !== null)
      throw badRequest("Make workspaces at the server's root: this tracking URI is that of one project.", 'name')
    const body = decodeRequest(request)
    refuseSettings(body)
    const input = { name: requiredString(body, 'name'), description: optionalString(body, 'description') }
    const project = await createWorkspace(ctx, request.actor, input)
    return reply.code(201).send(encode({ workspace: message(workspaceName(project), project) }))
  })
  add('GET', '/:workspace_name', 'read', async (request, reply) => {
    const name = nameInPath(request)
    return reply.send(encode({ workspace: message(name, await getWorkspace(ctx, request.actor, name)) }))
  })
  add('PATCH', '/:workspace_name', 'manage', async (request, reply) => {
    const name = nameInPath(request)
    const body = decodeRequest(request)
    refuseSettings(body)
    const description = optionalString(body, 'description')
    if (
      description === undefined &&
      body.default_artifact_root === undefined &&
      body.trace_archival_config === undefined
    )
      throw badRequest('Workspace update must have at least one key')
    const project = await updateWorkspace(ctx, request.actor, name, { description })
    return reply.send(encode({ workspace: message(name, project) }))
  })
  add('DELETE', '/:workspace_name', 'manage', async (request, reply) => {
    checkMode((request.query as { mode?: unknown }).mode)
    await deleteWorkspace(ctx, request.actor, nameInPath(request))
    return reply.code(204).send()
  })
}

/** The workspace in the URL; at a project's tracking URI only that project is there. */
function nameInPath(request: FastifyRequest): string {
  const { workspace_name: name } = request.params as { workspace_name: string }
  const { project } = request
  if (project === null || name === workspaceName(project)) return name
  if (name === DEFAULT_WORKSPACE) return workspaceName(project)
  throw badRequest(
    `This tracking URI is that of the project ${project.owner}/${project.name}: ask for other workspaces at the server's root.`,
    'workspace_name',
  )
}

/** The server keeps all files and traces in its own storage; empty values clear what is not set anyway. */
function refuseSettings(body: Message): void {
  const archival = optionalMessage(body, 'trace_archival_config') ?? {}
  const settings = {
    default_artifact_root: optionalString(body, 'default_artifact_root'),
    'trace_archival_config.location': optionalString(archival, 'location'),
    'trace_archival_config.retention': optionalString(archival, 'retention'),
  }
  for (const [field, value] of Object.entries(settings)) {
    if ((value?.trim() ?? '') !== '')
      throw badRequest(
        `'${field}' cannot be set: this server keeps the files of all workspaces in its own storage.`,
        field,
      )
  }
}

function checkMode(mode: unknown): void {
  if (mode === undefined || mode === 'RESTRICT') return
  if (typeof mode !== 'string' || !DELETION_MODES.includes(mode))
    throw badRequest(
      `Invalid deletion mode '${String(mode).slice(0, 80)}'. Must be one of: ${DELETION_MODES.join(', ')}`,
    )
  throw badRequest(
    `The deletion mode ${mode} is not offered: a project holds more than MLflow's things. Empty it first, then delete it with RESTRICT.`,
    'mode',
  )
}
