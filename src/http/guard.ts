import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify'
import { isLoopback } from '../config.ts'
import type { Context } from '../context.ts'
import { type Actor, ANONYMOUS, LOCAL } from '../lib/actor.ts'
import { AppError, badRequest, notFound } from '../lib/errors.ts'
import { accountsExist, actorOfBasic, actorOfSession, actorOfToken } from '../server/identity/identity.service.ts'
import { can, DEFAULT_PROJECT, defaultProject, findProject, type Project } from '../server/projects/projects.service.ts'
import { sessionSecret } from './cookies.ts'
import { originOf, type Permission } from './request.ts'

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * One guard for every route of every door: refuses to register a route without a permission, then at each request checks
 * Host and Origin, finds the actor, finds the project, and asks `can`. Nothing else in the house decides who may.
 */
export function installGuard(app: FastifyInstance, ctx: Context): void {
  const routes: RouteOptions[] = []
  app.decorate('routeTable', routes)
  app.addHook('onRoute', (route) => void routes.push(route))
  // At onReady, not onRoute: a plugin's own hook may have to give its routes their permission (http/static.ts).
  app.addHook('onReady', async () => {
    const bare = routes.filter((route) => route.config?.permission === undefined)
    if (bare.length > 0)
      throw new Error(
        `These routes declare no permission: ${bare.map((route) => `${String(route.method)} ${route.url}`).join(', ')}`,
      )
  })
  app.decorateRequest('actor', null as unknown as Actor)
  app.decorateRequest('project', null)
  app.decorateRequest('stillAllowed', function (this: FastifyRequest) {
    return accountsExist(ctx)
      .then((withAccounts) => admit(ctx, this, withAccounts))
      .then(
        () => true,
        // A database that is away for a moment is no reason to end a stream.
        (error: unknown) => !(error instanceof AppError),
      )
  })
  app.addHook('onRequest', async (request) => {
    if (request.routeOptions.config.probe === true) return admitProbe(ctx, request)
    const withAccounts = await accountsExist(ctx)
    checkHost(ctx, request, withAccounts)
    checkOrigin(request)
    await admit(ctx, request, withAccounts)
  })
}

/** Whether the process lives does not hang on the database. While that is away, the stricter check of the Host holds. */
async function admitProbe(ctx: Context, request: FastifyRequest): Promise<void> {
  checkHost(ctx, request, await accountsExist(ctx).catch(() => false))
  request.actor = ANONYMOUS
}

/** Finds who asks and checks that they may. @throws AppError unauthenticated, forbidden, not_found, too_many_requests */
async function admit(ctx: Context, request: FastifyRequest, withAccounts: boolean): Promise<void> {
  const { permission, door = false } = request.routeOptions.config
  request.actor = { ...(await authenticate(ctx, request, withAccounts, door)), origin: originOf(request) }
  if (permission === undefined) return // the not-found handler: it tells nothing
  limitRunToken(request, permission)
  await authorize(ctx, request, permission, withAccounts, door)
}

/**
 * What a job's token is for: it reads its project and writes what tracking and the registry let it write. Everything else
 * that changes something, and everything about accounts, is closed to it, whoever started the job.
 */
function limitRunToken(request: FastifyRequest, permission: Permission): void {
  if (request.actor.run === null || permission === 'public' || request.routeOptions.config.runToken === true) return
  if (permission === 'read' && SAFE_METHODS.has(request.method)) return
  throw new AppError(
    'forbidden',
    "The token of a job may read its project and write its own run's results; this needs a token of a person.",
  )
}

/** DNS rebinding (contracts/security.md row 53): without accounts only a Host that is surely ours may drive the server. */
function checkHost(ctx: Context, request: FastifyRequest, withAccounts: boolean): void {
  // Of two, a proxy may read the one and we the other (RFC 9112, 3.2).
  if (hostsOf(request.raw.rawHeaders) > 1) throw badRequest('A request has one Host header.')
  const { config } = ctx
  if (config.allowedHosts.includes('*') || (config.allowedHosts.length === 0 && withAccounts)) return
  const host = hostName(request.headers.host ?? '')
  const known =
    isLoopback(host) ||
    host === config.host ||
    config.allowedHosts.includes(host) ||
    (config.publicUrl !== '' && host === new URL(config.publicUrl).hostname)
  if (!known && !config.insecure) {
    throw new AppError(
      'misdirected_request',
      `This server does not answer for the host "${host.slice(0, 100)}". An administrator can add it with --allowed-hosts.`,
    )
  }
}

/** How many there are among names and values in turn. */
function hostsOf(rawHeaders: readonly string[]): number {
  let count = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    if (name.length === 4 && name.toLowerCase() === 'host') count += 1
  }
  return count
}

function hostName(header: string): string {
  return header.replace(/:\d+$/, '').toLowerCase()
}

/** CSRF: a browser says where an unsafe request comes from; only pages of this server may make one. */
function checkOrigin(request: FastifyRequest): void {
  if (SAFE_METHODS.has(request.method)) return
  const origin = request.headers.origin
  const site = request.headers['sec-fetch-site']
  const foreignOrigin = origin !== undefined && (!URL.canParse(origin) || new URL(origin).host !== request.host)
  const foreignSite = site !== undefined && site !== 'same-origin' && site !== 'none'
  if (foreignOrigin || foreignSite)
    throw new AppError('forbidden', 'A page of another site may not change anything here.')
}

async function authenticate(
  ctx: Context,
  request: FastifyRequest,
  withAccounts: boolean,
  door: boolean,
): Promise<Actor> {
  const header = request.headers.authorization
  if (header !== undefined) {
    const actor = await actorOfHeader(ctx, header, request.ip)
    if (actor !== null) return actor
    if (withAccounts) throw new AppError('unauthenticated', 'The token or password is wrong, expired or revoked.')
  }
  if (!withAccounts) return LOCAL
  const secret = door ? undefined : sessionSecret(request, ctx.config.basePath)
  if (secret === undefined) return ANONYMOUS
  return (await actorOfSession(ctx, secret)) ?? ANONYMOUS
}

function actorOfHeader(ctx: Context, header: string, address: string): Actor | null | Promise<Actor | null> {
  const [scheme = '', value = ''] = header.split(/ +/, 2)
  if (scheme.toLowerCase() === 'bearer') return actorOfToken(ctx, value)
  if (scheme.toLowerCase() !== 'basic') return null
  const text = Buffer.from(value, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon < 0 ? null : actorOfBasic(ctx, text.slice(0, colon), text.slice(colon + 1), address)
}

async function authorize(
  ctx: Context,
  request: FastifyRequest,
  permission: Permission,
  withAccounts: boolean,
  door: boolean,
): Promise<void> {
  const { actor } = request
  if (permission === 'public') return
  if (actor.kind === 'anonymous' && (door || permission === 'signed-in' || permission === 'admin')) throw signIn()
  if (permission === 'signed-in') return
  if (permission === 'admin') {
    if (!actor.isAdmin) throw new AppError('forbidden', 'Only an administrator may do this.')
    return
  }
  const project = await projectOf(ctx, request)
  if (project === null) {
    if (actor.kind === 'anonymous' && withAccounts) throw signIn()
    throw notFound('There is no such project, or you may not see it.')
  }
  // Before it is asked: the audit log says in which project somebody was refused.
  request.project = project
  if (!can(actor, permission, project)) {
    if (actor.kind === 'anonymous') throw signIn()
    throw new AppError(
      'forbidden',
      `You may not ${permission} in ${project.owner}/${project.name}: your role is ${project.role}${actor.scope === 'admin' ? '' : `, your token's scope is ${actor.scope}`}.`,
    )
  }
}

function signIn(): AppError {
  return new AppError('unauthenticated', 'Sign in, or send a token: Authorization: Bearer <token>.')
}

function projectOf(ctx: Context, request: FastifyRequest): null | Promise<Project | null> {
  const params = request.params as { owner?: string; project?: string }
  if (params.owner !== undefined && params.project !== undefined)
    return findOrDefault(ctx, request.actor, params.owner, params.project)
  const workspace = request.headers['x-mlflow-workspace']
  if (typeof workspace === 'string' && workspace !== '' && workspace !== 'default') {
    const [owner = '', name = '', ...more] = workspace.split('--')
    return more.length > 0 ? null : findOrDefault(ctx, request.actor, owner, name)
  }
  return request.actor.kind === 'anonymous' ? null : defaultProject(ctx, request.actor)
}

/** The named project; one's own default exists as soon as one names it, as it does for those who name none. */
async function findOrDefault(ctx: Context, actor: Actor, owner: string, name: string): Promise<Project | null> {
  const found = await findProject(ctx, actor, owner, name)
  const ownDefault = name === DEFAULT_PROJECT && owner === actor.name
  // A job has one project, whatever its user's name is.
  if (found !== null || !ownDefault || actor.kind === 'anonymous' || actor.run !== null) return found
  return defaultProject(ctx, actor)
}
