import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LOCAL } from '../src/lib/actor.ts'
import { PACKAGE_ROOT } from '../src/lib/package-root.ts'
import { addToken, findUser } from '../src/server/identity/identity.service.ts'
import { findProject } from '../src/server/projects/projects.service.ts'
import { createRun } from '../src/server/tracking/run-starts.service.ts'
import { startTestServer, type TestServer } from './harness/server.ts'

/**
 * Fires every route of the house as each kind of actor, at a private project of `ada`, and compares what the guard said
 * with the committed table. A new route changes the table, so that a reviewer sees who may use it.
 * Write it anew with UPDATE_PERMISSIONS=1.
 */
const TABLE = join(PACKAGE_ROOT, 'tests', 'permissions.txt')
/** `job`: the token of a job of the owner. What it may do beyond reading is said by the route (`runToken`). */
const ACTORS = ['anonymous', 'stranger', 'viewer', 'editor', 'owner', 'job'] as const
type Actor = (typeof ACTORS)[number]

let server: TestServer
const tokens: Partial<Record<Actor, string>> = {}

beforeAll(async () => {
  server = await startTestServer()
  tokens.owner = await server.user('ada')
  tokens.editor = await server.user('edgar')
  tokens.viewer = await server.user('vera')
  tokens.stranger = await server.user('stella')
  await server.request('POST', '/api/v1/projects', { body: { name: 'flood' }, token: tokens.owner })
  for (const [name, role] of [
    ['edgar', 'editor'],
    ['vera', 'viewer'],
  ]) {
    await server.request('PUT', `/api/v1/projects/ada/flood/members/${name}`, { body: { role }, token: tokens.owner })
  }
  const { ctx } = server
  const project = await findProject(ctx, LOCAL, 'ada', 'flood')
  const user = await findUser(ctx, 'ada')
  const run = await createRun(ctx, LOCAL, project!, {})
  const made = await addToken(ctx, {
    userId: user.id,
    name: 'job',
    scope: 'write',
    expiresAtMs: null,
    run: { runId: run.id, projectId: project!.id },
  })
  tokens.job = made.token
})
afterAll(() => server.close())

/** `yes`: the guard let the request through, whatever the route then said of its empty input. */
async function fire(method: string, url: string, actor: Actor): Promise<string> {
  const path = url
    .replace(':owner', 'ada')
    .replace(':project', 'flood')
    .replace(/:version\b/g, '1')
    .replace(/:[A-Za-z_]+(\([^)]*\))?/g, 'absent-thing')
    .replace('*', 'absent-thing')
  const abort = new AbortController()
  const token = tokens[actor]
  const answer = await fetch(server.url + path, {
    method,
    signal: abort.signal,
    redirect: 'manual',
    headers: {
      'x-mlflow-workspace': 'ada--flood',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(['GET', 'HEAD', 'OPTIONS'].includes(method) ? {} : { 'content-type': 'application/json' }),
    },
    ...(['GET', 'HEAD', 'OPTIONS'].includes(method) ? {} : { body: '{}' }),
  })
  if (answer.headers.get('content-type')?.startsWith('text/event-stream') === true) {
    abort.abort()
    return 'yes'
  }
  const text = await answer.text()
  if (answer.status >= 500 && answer.status !== 501 && answer.status !== 503)
    return `BROKEN ${answer.status} ${text.slice(0, 200)}`
  if (answer.status === 401) return '401'
  if (answer.status === 403 && !text.includes('This token belongs to run')) return '403'
  if (answer.status === 404 && text.includes('There is no such project')) return '404'
  return 'yes'
}

function flags({ config, method }: TestServer['app']['routeTable'][number]): string[] {
  const job = config?.runToken === true && (config.permission === 'write' || method !== 'GET')
  return [String(config?.permission), ...(config?.door === true ? ['door'] : []), ...(job ? ['job'] : [])]
}

describe('permissions', () => {
  it('every route does for every actor what the committed table says', async () => {
    const lines: string[] = []
    // Sign-out and sign-in change the actor itself; the identity tests cover them.
    const routes = server.app.routeTable.filter((route) => route.url !== '/api/v1/session')
    for (const route of routes) {
      for (const method of [route.method].flat()) {
        // fetch refuses to send TRACE; HEAD and OPTIONS follow GET.
        if (['HEAD', 'OPTIONS', 'TRACE'].includes(method)) continue
        const said: string[] = []
        for (const actor of ACTORS) said.push(await fire(method, route.url, actor))
        lines.push(
          `${method.padEnd(6)} ${route.url}  [${flags(route).join(', ')}]  ${ACTORS.map((actor, i) => `${actor}=${said[i]}`).join(' ')}`,
        )
      }
    }
    const table = `${lines.sort().join('\n')}\n`
    if (process.env.UPDATE_PERMISSIONS === '1' || !existsSync(TABLE)) writeFileSync(TABLE, table)
    expect(table).toBe(readFileSync(TABLE, 'utf8'))
    expect(lines.filter((line) => line.includes('BROKEN'))).toEqual([])
  }, 180_000)

  it('the table follows from the permissions', () => {
    const expected: Record<string, string> = {
      public: 'anonymous=yes stranger=yes viewer=yes editor=yes owner=yes job=yes',
      'signed-in': 'anonymous=401 stranger=yes viewer=yes editor=yes owner=yes job=403',
      admin: 'anonymous=401 stranger=403 viewer=403 editor=403 owner=403 job=403',
      read: 'anonymous=401 stranger=404 viewer=yes editor=yes owner=yes job=yes',
      write: 'anonymous=401 stranger=404 viewer=403 editor=yes owner=yes job=yes',
      manage: 'anonymous=401 stranger=404 viewer=403 editor=403 owner=yes job=403',
    }
    const surprising = readFileSync(TABLE, 'utf8')
      .trimEnd()
      .split('\n')
      .filter((line) => {
        const permission = /\[([a-z-]+)/.exec(line)?.[1] ?? ''
        // A job reads by GET, and changes only where the route says so.
        const changes = permission === 'write' || (permission === 'read' && !line.startsWith('GET'))
        const refused = changes && !/\[[^\]]*\bjob\]/.test(line)
        const said = expected[permission] ?? 'no such permission'
        return !line.endsWith(refused ? said.replace('job=yes', 'job=403') : said)
      })
    expect(surprising).toEqual([])
  })
})
