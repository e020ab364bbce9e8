import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Context } from '../../context.ts'
import { notFound } from '../../lib/errors.ts'
import { newSecret } from '../../lib/ids.ts'
import { signingSecret } from './uploads.store.ts'

/** What a link allows: one method on one thing. */
export type LinkTarget = { method: 'GET' | 'PUT'; resource: string }
export type LinkSignature = { expires: string; signature: string }

/**
 * Signs a link to bytes that needs no other right, as S3 does: the client sends no token to the addresses it is given. It
 * opens one file, or takes one part, until it expires. Whoever asked for it was allowed that much.
 */
export async function signLink(ctx: Context, target: LinkTarget, expiresInSeconds: number): Promise<LinkSignature> {
  const expires = String(Math.floor(ctx.now() / 1000) + expiresInSeconds)
  return { expires, signature: await signatureOf(ctx, target, expires) }
}

/** @throws AppError not_found when it was not signed here, was changed, or is over: such a link leads nowhere */
export async function checkLink(ctx: Context, target: LinkTarget, given: LinkSignature): Promise<void> {
  const right = Buffer.from(await signatureOf(ctx, target, given.expires))
  const said = Buffer.from(given.signature)
  if (said.length !== right.length || !timingSafeEqual(said, right))
    throw notFound('This link is none that this server gave out; ask for another.')
  if (Number(given.expires) * 1000 < ctx.now()) throw notFound('This link has expired; ask for another.')
}

async function signatureOf(ctx: Context, { method, resource }: LinkTarget, expires: string): Promise<string> {
  const secret = await signingSecret(ctx.db, 'artifact-links', newSecret(), ctx.now())
  return createHmac('sha256', secret).update(`${method}\n${resource}\n${expires}`).digest('base64url')
}
