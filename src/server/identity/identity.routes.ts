import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Context } from '../../context.ts'
import { clearSessionCookie, sessionSecret, setSessionCookie } from '../../http/cookies.ts'
import { originOf } from '../../http/request.ts'
import { AppError } from '../../lib/errors.ts'
import Type from '../../lib/schema.ts'
import { MadeToken, Me, NewTokenBody, NewUser, SignIn, Token, User } from './identity.schema.ts'
import { addToken, addUser, closeSession, listTokens, listUsers, openSession, revokeToken } from './identity.service.ts'

const tags = ['identity']
/** Everybody may send one. */
const SIGN_IN_LIMIT_BYTES = 16 * 1024

export function identityRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      '/me',
      { config: { permission: 'public' }, schema: { tags, summary: 'Who I am', response: { 200: Me } } },
      async (request) => {
        const { actor } = request
        return {
          kind: actor.kind === 'system' ? 'local' : actor.kind,
          name: actor.name,
          is_admin: actor.isAdmin,
          scope: actor.scope,
        }
      },
    )

    app.post(
      '/session',
      {
        config: { permission: 'public' },
        bodyLimit: SIGN_IN_LIMIT_BYTES,
        schema: { tags, summary: 'Sign in with a password', body: SignIn, response: { 200: Me } },
      },
      async (request, reply) => {
        const { name, password } = request.body
        const session = await openSession(ctx, name, password, originOf(request))
        const before = sessionSecret(request, ctx.config.basePath)
        if (before !== undefined) await closeSession(ctx, session.actor, before)
        setSessionCookie(request, reply, ctx.config.basePath, session.secret, session.expiresAtMs)
        return {
          kind: 'user' as const,
          name: session.actor.name,
          is_admin: session.actor.isAdmin,
          scope: session.actor.scope,
        }
      },
    )

    app.delete(
      '/session',
      { config: { permission: 'public' }, schema: { tags, summary: 'Sign out', response: { 204: Type.Null() } } },
      async (request, reply) => {
        const secret = sessionSecret(request, ctx.config.basePath)
        if (secret !== undefined) await closeSession(ctx, request.actor, secret)
        clearSessionCookie(request, reply, ctx.config.basePath)
        return reply.code(204).send(null)
      },
    )

    app.get(
      '/users',
      {
        config: { permission: 'admin' },
        schema: { tags, summary: 'List users', response: { 200: Type.Object({ users: Type.Array(User) }) } },
      },
      async () => {
        const users = await listUsers(ctx)
        return {
          users: users.map((user) => ({
            name: user.name,
            is_admin: user.is_admin === 1,
            created_at_ms: user.created_at_ms,
          })),
        }
      },
    )

    app.post(
      '/users',
      {
        config: { permission: 'admin' },
        schema: { tags, summary: 'Add a user', body: NewUser, response: { 201: User } },
      },
      async (request, reply) => {
        const { name, password, is_admin } = request.body
        await addUser(ctx, request.actor, { name, password: password ?? null, isAdmin: is_admin ?? false })
        return reply.code(201).send({ name, is_admin: is_admin ?? false, created_at_ms: ctx.now() })
      },
    )

    app.get(
      '/tokens',
      {
        config: { permission: 'signed-in' },
        schema: { tags, summary: 'List my tokens', response: { 200: Type.Object({ tokens: Type.Array(Token) }) } },
      },
      async (request) => {
        const tokens = await listTokens(ctx, request.actor)
        return {
          tokens: tokens.map(({ id, name, prefix, scope, created_at_ms, expires_at_ms, last_used_at_ms }) => ({
            id,
            name,
            prefix,
            scope,
            created_at_ms,
            expires_at_ms,
            last_used_at_ms,
          })),
        }
      },
    )

    app.post(
      '/tokens',
      {
        config: { permission: 'signed-in' },
        schema: { tags, summary: 'Make a token', body: NewTokenBody, response: { 201: MadeToken } },
      },
      async (request, reply) => {
        const { actor } = request
        const { name, scope = 'write', expires_in_days } = request.body
        const rank = { read: 0, write: 1, admin: 2 }
        if (actor.run !== null || rank[scope] > rank[actor.scope])
          throw new AppError('forbidden', `A ${actor.scope} token cannot make a ${scope} token.`, { field: 'scope' })
        const expiresAtMs = expires_in_days === undefined ? null : ctx.now() + expires_in_days * 24 * 3600_000
        return reply.code(201).send(await addToken(ctx, { userId: actor.userId, name, scope, expiresAtMs }, actor))
      },
    )

    app.delete(
      '/tokens/:id',
      {
        config: { permission: 'signed-in' },
        schema: {
          tags,
          summary: 'Revoke a token',
          params: Type.Object({ id: Type.String() }),
          response: { 204: Type.Null() },
        },
      },
      async (request, reply) => {
        await revokeToken(ctx, request.actor, request.params.id)
        return reply.code(204).send(null)
      },
    )
  }
}
