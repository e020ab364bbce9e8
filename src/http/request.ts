import type { FastifyRequest, RouteOptions } from 'fastify'
import type { Actor, Origin } from '../lib/actor.ts'
import { AppError } from '../lib/errors.ts'
import type { Project } from '../server/projects/projects.service.ts'
import type { OpenApiDocument } from './openapi.ts'

/**
 * What a route demands. `public`: nothing. `signed-in`: an actor (local mode counts). `admin`: an administrator.
 * `read`/`write`/`manage`: that verb in the project of the URL (`:owner/:project`), or of the door (see `door`).
 */
export type Permission = 'public' | 'signed-in' | 'admin' | 'read' | 'write' | 'manage'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Every route has one; a route without does not start (http/guard.ts). */
    permission?: Permission
    /**
     * A client door (MLflow, serving, DVC …): takes `Authorization` only, never cookies, and needs it as soon as accounts
     * exist. Without `:owner/:project` in its URL it acts in the project of `X-MLFLOW-WORKSPACE` or the caller's default.
     */
    door?: boolean
    /**
     * The token of a job may use this route although it changes something: its service checks, by the actor's `run`, that
     * what changes belongs to that run. Reading (`GET` with `read`) needs no flag.
     */
    runToken?: boolean
    /** Asked by what watches over the process: answers anybody, and without a database. */
    probe?: boolean
    /** The route unpacks bodies with a Content-Encoding itself, and bounds what comes out; all others refuse them. */
    unpacks?: boolean
  }
  interface FastifyInstance {
    /** Every registered route, for the test that fires each as each kind of actor. */
    routeTable: readonly RouteOptions[]
    /** The OpenAPI document of all routes. */
    openApi(): Promise<OpenApiDocument>
    /** Compiles every schema now (http/compilers.ts), for a test. @throws when one is broken */
    compileSchemas(): void
  }
  interface FastifyRequest {
    actor: Actor
    /** Set by the guard for `read`, `write` and `manage` routes. */
    project: Project | null
    /** Asks again whether this actor may do this: for answers that go on for hours. */
    stillAllowed(): Promise<boolean>
  }
}

/** Actor and project of a project route. The guard has set both. */
export function scopeOf(request: FastifyRequest): { actor: Actor; project: Project } {
  if (request.project === null) throw new AppError('internal', 'This route has no project.')
  return { actor: request.actor, project: request.project }
}

/** The absolute URL of the server's root as this caller sees it, without a trailing slash. */
export function baseUrl(request: FastifyRequest, config: { publicUrl: string; basePath: string }): string {
  if (config.publicUrl !== '') return config.publicUrl
  return `${request.protocol}://${request.host}${config.basePath}`
}

const USER_AGENT_MAX = 200

/** Where a request came from, for the audit log: what a proxy says of it counts only when one is configured. */
export function originOf(request: FastifyRequest): Origin {
  return {
    address: request.ip,
    userAgent: (request.headers['user-agent'] ?? '').slice(0, USER_AGENT_MAX),
    requestId: request.id,
  }
}
