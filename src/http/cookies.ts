import type { FastifyReply, FastifyRequest } from 'fastify'

const PLAIN = 'trainyard_session'
/** Browsers take this name over https from the whole host only: no other site of the domain, and no http page, can set it. */
const HOST_BOUND = `__Host-${PLAIN}`

function settings(request: FastifyRequest, basePath: string) {
  const secure = request.protocol === 'https'
  const path = basePath === '' ? '/' : basePath
  return {
    name: secure && path === '/' ? HOST_BOUND : PLAIN,
    options: { path, httpOnly: true, sameSite: 'lax', secure } as const,
  }
}

/** The session's secret that the browser sent, if any. Over https never one that another site may have planted. */
export function sessionSecret(request: FastifyRequest, basePath: string): string | undefined {
  return request.cookies[settings(request, basePath).name]
}

export function setSessionCookie(
  request: FastifyRequest,
  reply: FastifyReply,
  basePath: string,
  secret: string,
  expiresAtMs: number,
): void {
  const { name, options } = settings(request, basePath)
  reply.setCookie(name, secret, { ...options, expires: new Date(expiresAtMs) })
}

export function clearSessionCookie(request: FastifyRequest, reply: FastifyReply, basePath: string): void {
  const { name, options } = settings(request, basePath)
  reply.clearCookie(name, options)
}
