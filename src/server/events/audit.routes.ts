import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Context } from '../../context.ts'
import { scopeOf } from '../../http/request.ts'
import { notFound } from '../../lib/errors.ts'
import Type from '../../lib/schema.ts'
import { ProjectParams } from '../projects/projects.schema.ts'
import { findProject } from '../projects/projects.service.ts'
import { type AuditFilter, type AuditRow, auditLog, clientKind } from './audit.service.ts'

const tags = ['audit']
const PAGE = 100
const nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])

const filters = {
  actor: Type.Optional(Type.String({ description: 'Who.' })),
  verb: Type.Optional(Type.String({ description: '`created`, `updated`, `deleted`, `promoted` …' })),
  kind: Type.Optional(Type.String({ description: '`run`, `model_version`, `member` …' })),
  subject: Type.Optional(Type.String({ description: 'The thing: an id, `name`, or `name/version`.' })),
  result: Type.Optional(
    Type.Enum(['done', 'denied', 'failed'], {
      description: '`denied`: not allowed. `failed`: allowed, and came to nothing.',
    }),
  ),
  address: Type.Optional(Type.String({ description: 'From where.' })),
  since_ms: Type.Optional(Type.Integer({ minimum: 0 })),
  until_ms: Type.Optional(Type.Integer({ minimum: 0, description: 'Not included.' })),
  before: Type.Optional(Type.Integer({ minimum: 1, description: '`next_before` of the page before.' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
}

const AuditBody = Type.Object({
  rows: Type.Array(
    Type.Object({
      id: Type.Integer(),
      created_at_ms: Type.Integer(),
      project: nullable(Type.String({ description: '`owner/name`; null for what belongs to no project.' })),
      actor: Type.String(),
      verb: Type.String(),
      kind: Type.String(),
      subject: Type.String(),
      detail: Type.Record(Type.String(), Type.Unknown()),
      result: Type.Enum(['done', 'denied', 'failed']),
      address: Type.String({ description: "The client's address; empty for the platform and the command line." }),
      client: Type.Enum(['mlflow', 'browser', 'trainyard', 'other', 'platform']),
      user_agent: Type.String(),
      request_id: nullable(Type.String()),
    }),
  ),
  next_before: nullable(
    Type.Integer({ description: 'For the next page; null at the end. A page may be short, even empty, before it.' }),
  ),
})

function body(row: AuditRow) {
  return {
    id: row.id,
    created_at_ms: row.created_at_ms,
    project: row.project,
    actor: row.actor,
    verb: row.verb,
    kind: row.kind,
    subject: row.subject,
    detail: JSON.parse(row.detail) as Record<string, unknown>,
    result: row.result,
    address: row.address,
    client: clientKind(row.user_agent),
    user_agent: row.user_agent,
    request_id: row.request_id,
  }
}

type Query = Omit<AuditFilter, 'projectId' | 'sinceMs' | 'untilMs'> & {
  since_ms?: number
  until_ms?: number
  before?: number
  limit?: number
}

async function answer(ctx: Context, projectId: string | null, query: Query) {
  const { actor, verb, kind, subject, result, address, since_ms, until_ms, before, limit } = query
  const filter = { projectId, actor, verb, kind, subject, result, address, sinceMs: since_ms, untilMs: until_ms }
  const { rows, nextBefore } = await auditLog(ctx, filter, { before: before ?? null, limit: limit ?? PAGE })
  return { rows: rows.map(body), next_before: nextBefore }
}

/** Who did what, when, from where, and how it ended. It holds addresses: for owners of a project and administrators. */
export function auditRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/audit',
      {
        config: { permission: 'admin' },
        schema: {
          tags,
          summary: 'The audit log of the server, newest first',
          querystring: Type.Object({
            ...filters,
            project: Type.Optional(Type.String({ description: '`owner/name`' })),
          }),
          response: { 200: AuditBody },
        },
      },
      async (request) => {
        const { project: name, ...query } = request.query
        if (name === undefined || name === '') return answer(ctx, null, query)
        const [owner = '', project = ''] = name.split('/')
        const found = await findProject(ctx, request.actor, owner, project)
        if (found === null) throw notFound(`There is no project ${name.slice(0, 100)}.`)
        return answer(ctx, found.id, query)
      },
    )

    app.get(
      '/projects/:owner/:project/audit',
      {
        config: { permission: 'manage' },
        schema: {
          tags,
          summary: 'The audit log of a project, newest first',
          params: ProjectParams,
          querystring: Type.Object(filters),
          response: { 200: AuditBody },
        },
      },
      async (request) => answer(ctx, scopeOf(request).project.id, request.query),
    )
  }
}
