import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Context } from '../context.ts'
import { type Refusal, recordRefusal } from '../server/events/audit.service.ts'
import { originOf } from './request.ts'

/** Attempts that look alike make two rows in this time at most: the first at once, the others as a number. */
const WINDOW_MS = 60_000
/** Kinds of attempts that a window tells apart; what comes beyond them is counted together. */
const KINDS_MAX = 500
const PATH_MAX = 300
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])

/** `count`: how many came since the last row. */
type Seen = Refusal

/**
 * Writes an audit row for each attempt at a change that was denied or failed, also for a wrong password. A client that tries
 * a thousand times a second makes two rows a minute.
 */
export function installRefusals(app: FastifyInstance, ctx: Context): void {
  let seen = new Map<string, Seen>()
  const write = (one: Seen, count: number) =>
    recordRefusal(ctx, { ...one, count }).catch((error: unknown) =>
      ctx.log.warn({ err: error }, 'a refused attempt could not be written into the audit log'),
    )
  const flush = async () => {
    const due = [...seen.values()].filter((one) => one.count > 0)
    seen = new Map()
    for (const one of due) await write(one, one.count)
  }
  const timer = setInterval(() => void flush(), WINDOW_MS)
  timer.unref()
  app.addHook('onClose', async () => {
    clearInterval(timer)
    await flush()
  })
  app.addHook('onResponse', (request, reply, done) => {
    const one = attempt(request, reply)
    if (one === null) return done()
    note(one).then(() => done(), done)
  })

  async function note(one: Seen): Promise<void> {
    const own = [one.actor, one.origin.address, one.route, one.projectId, one.status].join('\n')
    const key = seen.has(own) || seen.size < KINDS_MAX ? own : `others ${one.result}`
    const known = seen.get(key)
    if (known !== undefined) known.count++
    else {
      seen.set(key, key === own ? one : { ...one, actor: 'several', projectId: null, route: 'several', path: '' })
      await write(one, 1)
    }
  }
}

/** What a request tried to change in vain; null for one that succeeded or only read. */
function attempt(request: FastifyRequest, reply: FastifyReply): Seen | null {
  const { permission } = request.routeOptions.config
  const { statusCode: status } = reply
  if (SAFE_METHODS.has(request.method) || status < 400) return null
  // Searches by POST read; what is no route changes nothing.
  if (permission === undefined || permission === 'read') return null
  const hidden = status === 404 && request.project === null && (permission === 'write' || permission === 'manage')
  return {
    actor: request.actor?.name ?? 'anonymous',
    origin: originOf(request),
    projectId: request.project?.id ?? null,
    route: `${request.method} ${request.routeOptions.url ?? ''}`,
    path: (request.url.split('?')[0] ?? '').slice(0, PATH_MAX),
    status,
    result: hidden || status === 401 || status === 403 || status === 429 ? 'denied' : 'failed',
    count: 0,
  }
}
