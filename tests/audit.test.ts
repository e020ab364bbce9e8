import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LOCAL } from '../src/lib/actor.ts'
import { addToken, findUser } from '../src/server/identity/identity.service.ts'
import { findProject, type Project } from '../src/server/projects/projects.service.ts'
import { setAlias } from '../src/server/registry/aliases.service.ts'
import { CHANGES, type Change, ELSEWHERE, type Found } from './harness/changes.ts'
import { mlflowApi } from './harness/mlflow.ts'
import { startTestServer, type TestServer } from './harness/server.ts'
import { addTestModel, addTestVersion } from './harness/serving.ts'

/** Each change leaves one row that says who, what, when, from where and how it ended; each refused attempt is noted. */
let server: TestServer
let ada: string
let vera: string
let flood: Project
beforeAll(async () => {
  server = await startTestServer({ jobSlots: '0', presignedTransfers: 'true' })
  ada = await server.user('ada', { isAdmin: true })
  vera = await server.user('vera')
  await server.user('edgar')
  await server.request('POST', '/api/v1/projects', { body: { name: 'flood' }, token: ada })
  flood = (await findProject(server.ctx, LOCAL, 'ada', 'flood')) as Project
  await server.request('PUT', '/api/v1/projects/ada/flood/members/vera', { body: { role: 'viewer' }, token: ada })
})
afterAll(() => server.close())

const CHANGING = ['POST', 'PUT', 'PATCH', 'DELETE']

/** `POST /api/2.0/…` of each changing route, by whatever door and root it is reached. */
function changingRoutes(): string[] {
  const routes = new Set<string>()
  for (const { method, url, config } of server.app.routeTable) {
    // Searches by POST, and predictions, read.
    if (config?.permission === 'read' || url === '/api/stac/search') continue
    const path = url
      .replace('/mlflow/:owner/:project/tracking', '')
      .replace('/ajax-api/', '/api/')
      .replace(/^\/mlflow(?=\/v1\/traces)/, '')
    for (const one of [method].flat()) if (CHANGING.includes(one)) routes.add(`${one} ${path}`)
  }
  return [...routes]
}

async function fire(change: Change, found: Found, token: string) {
  const [method = '', url = ''] = change.route.split(' ')
  const values: Found = { owner: 'ada', project: 'flood', ...found, ...change.at?.(found) }
  const path = url.replace(/:([a-z0-9_]+)|\*/gi, (all, name) => values[name ?? all] ?? 'absent')
  const json = change.bytes === undefined
  const answer = await fetch(
    `${server.url}${change.ajax === true ? path.replace('/api/', '/ajax-api/') : path}${change.query?.(found) ?? ''}`,
    {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        'x-mlflow-workspace': 'ada--flood',
        'user-agent': 'mlflow-python-client/3.17.2',
        'content-type': json ? 'application/json' : 'application/octet-stream',
        ...change.headers,
      },
      body: json ? JSON.stringify(change.body?.(found) ?? {}) : (change.bytes ?? ''),
    },
  )
  const text = await answer.text()
  return { status: answer.status, text, body: text.startsWith('{') ? JSON.parse(text) : null }
}

const eventsAfter = (id: number) =>
  server.ctx.db.selectFrom('events').selectAll().where('id', '>', id).orderBy('id').execute()
const newest = async () =>
  (await server.ctx.db.selectFrom('events').select('id').orderBy('id', 'desc').limit(1).executeTakeFirst())?.id ?? 0

async function prepare(what: 'bin' | 'endpoint' | undefined, found: Found): Promise<void> {
  const { db } = server.ctx
  if (what === 'bin') {
    const of = (table: 'datasets' | 'dataset_versions') =>
      db.selectFrom(table).select('id').where('project_id', '=', flood.id).executeTakeFirstOrThrow()
    found.dataset = (await of('datasets')).id
    found.dataset_version = (await of('dataset_versions')).id
  }
  if (what === 'endpoint') {
    const model = await addTestModel(server, flood, 'iris')
    const version = await addTestVersion(server, flood, model, 1)
    await setAlias(server.ctx, LOCAL, flood, 'iris', 'champion', 1)
    found.version_id = version.id
  }
}

/** A prediction of the endpoint, for the feedback. */
async function predict(found: Found): Promise<void> {
  const rows = [{ colour: 'violet', age: 21, petal_width: 1.4 }]
  const path = '/api/v1/projects/ada/flood/endpoints/iris/predict'
  found.prediction = (await server.request('POST', path, { body: { rows }, token: ada })).body.predictions[0].id
}

describe('the audit log', () => {
  it('knows every route that changes something', () => {
    const fired = CHANGES.flatMap(({ steps }) => steps.map(({ route }) => route))
    const routes = changingRoutes()
    expect(routes.filter((route) => !fired.includes(route) && !(route in ELSEWHERE))).toEqual([])
    expect([...fired, ...Object.keys(ELSEWHERE)].filter((route) => !routes.includes(route))).toEqual([])
  })

  it('has exactly one row of each change: who, what, from where, and that it was done', async () => {
    const found: Found = {}
    const wrong: string[] = []
    for (const { before, steps } of CHANGES) {
      await prepare(before, found)
      for (const change of steps) {
        if (change.route.endsWith('/feedback')) await predict(found)
        const last = await newest()
        const answer = await fire(change, found, ada)
        if (answer.status >= 300) {
          wrong.push(`${change.route}: ${answer.status} ${answer.text.slice(0, 300)}`)
          continue
        }
        change.keep?.(answer.body, found)
        const own = (await eventsAfter(last)).filter((event) => event.actor === 'ada' && event.result === 'done')
        const left = own.map((event) => `${event.verb} ${event.kind}`)
        const expected = typeof change.leaves === 'string' ? [change.leaves] : []
        // A job comes with the run that it fills, which begins, is told its inputs and ends with it: things of their own.
        const counted = change.route.includes('/jobs') ? left.filter((one) => !one.endsWith(' run')) : left
        if (JSON.stringify(counted) !== JSON.stringify(expected))
          wrong.push(`${change.route}: left [${left.join(', ')}], not [${expected.join(', ')}]`)
        for (const event of own)
          if (event.address !== '127.0.0.1' || event.user_agent !== 'mlflow-python-client/3.17.2' || !event.request_id)
            wrong.push(`${change.route}: from ${event.address}, ${event.user_agent}, ${event.request_id}`)
      }
    }
    expect(wrong).toEqual([])
  }, 120_000)

  it('notes each attempt that was refused, in the name of who tried', async () => {
    const routes = [...new Set(CHANGES.flatMap(({ steps }) => steps))].filter(({ ajax }) => ajax !== true)
    const refused = new Set<string>()
    for (const change of routes) {
      const { status } = await fire(change, {}, vera)
      if (status === 403) refused.add(change.route)
    }
    expect(refused.size).toBeGreaterThan(90)
    const rows = await until(
      () =>
        server.ctx.db
          .selectFrom('events')
          .selectAll()
          .where('actor', '=', 'vera')
          .where('result', '=', 'denied')
          .execute(),
      (found) => new Set(found.map((row) => row.subject)).size >= refused.size,
    )
    expect([...new Set(rows.map((row) => row.subject))].sort()).toEqual([...refused].sort())
    // One row for each, also where a route was tried twice.
    expect(rows).toHaveLength(refused.size)
    expect(new Set(rows.map((row) => row.verb))).toEqual(new Set(['attempted']))
  }, 60_000)

  it('counts a flood instead of writing it down, and notes wrong passwords with where they came from', async () => {
    const last = await newest()
    for (let i = 0; i < 30; i++)
      await server.request('POST', '/api/v1/projects/ada/flood/models', { body: { name: 1 }, token: ada })
    await server.request('POST', '/api/v1/session', { body: { name: 'ada', password: 'no such password' } })
    const rows = await until(
      () => eventsAfter(last),
      (found) => found.length >= 2,
    )
    expect(rows.map(({ actor, subject, result, address }) => `${actor} ${subject} ${result} ${address}`)).toEqual([
      'ada POST /api/v1/projects/:owner/:project/models failed 127.0.0.1',
      'anonymous POST /api/v1/session denied 127.0.0.1',
    ])
    expect(JSON.stringify(rows)).not.toContain('no such password')
  })

  it('notes who else writes into a run, once', async () => {
    await server.request('PUT', '/api/v1/projects/ada/flood/members/edgar', { body: { role: 'editor' }, token: ada })
    const { token: edgar } = await addToken(server.ctx, {
      userId: (await findUser(server.ctx, 'edgar')).id,
      name: 'test',
      scope: 'write',
      expiresAtMs: null,
    })
    const api = mlflowApi(server, { prefix: '/mlflow/ada/flood/tracking', token: ada })
    const others = mlflowApi(server, { prefix: '/mlflow/ada/flood/tracking', token: edgar })
    const run = await api.run()
    const last = await newest()
    for (const step of [1, 2, 3]) {
      await api.post('runs/log-metric', { run_id: run, key: 'm', value: 1, timestamp: 1, step })
      await others.post('runs/log-metric', { run_id: run, key: 'n', value: 1, timestamp: 1, step })
      await others.post('runs/log-parameter', { run_id: run, key: `p${step}`, value: '1' })
    }
    const rows = await eventsAfter(last)
    expect(rows.map(({ actor, verb, subject }) => `${actor} ${verb} ${subject}`)).toEqual([`edgar logged ${run}`])
  })

  it('notes sign-ins and sign-outs', async () => {
    const last = await newest()
    const name = 'newcomer'
    const signedIn = await server.request('POST', '/api/v1/session', { body: { name, password: 'a long password 1' } })
    expect(signedIn.status).toBe(200)
    const cookie = (signedIn.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
    await server.request('DELETE', '/api/v1/session', { headers: { cookie } })
    expect((await eventsAfter(last)).map(({ actor, verb, kind }) => `${actor} ${verb} ${kind}`)).toEqual([
      'newcomer created session',
      'newcomer deleted session',
    ])
  })

  it('is asked by owners for their project and by administrators for all, with filters and pages', async () => {
    const ask = async (query: string, token = ada, path = '/api/v1/projects/ada/flood/audit') =>
      server.request('GET', `${path}${query}`, { token })
    expect((await ask('', vera)).status).toBe(403)
    expect((await ask('', vera, '/api/v1/audit')).status).toBe(403)
    const aliases = (await ask('?kind=alias&actor=ada')).body.rows
    expect(aliases.map(({ verb, client, project }: Record<string, string>) => `${verb} ${client} ${project}`)).toEqual([
      'deleted mlflow ada/flood',
      'promoted mlflow ada/flood',
      'deleted mlflow ada/flood',
      'promoted mlflow ada/flood',
    ])
    const denied = (await ask('?result=denied&limit=5')).body
    expect(denied.rows).toHaveLength(5)
    expect(denied.next_before).toBe(denied.rows[4].id)
    const all: number[] = []
    for (let before: number | null = null, pages = 0; pages < 200; pages++) {
      const { body } = await ask(`?limit=20${before === null ? '' : `&before=${before}`}`)
      all.push(...body.rows.map((row: { id: number }) => row.id))
      before = body.next_before
      if (before === null) break
    }
    const { db } = server.ctx
    const rows = await db.selectFrom('events').select('id').where('project_id', '=', flood.id).execute()
    expect(all).toEqual(rows.map((row) => row.id).sort((a, b) => b - a))
    const users = (await ask('?kind=user&verb=created', ada, '/api/v1/audit')).body.rows
    expect(users.map((row: { subject: string }) => row.subject)).toContain('newcomer')
    expect((await ask('?project=ada/flood&limit=1', ada, '/api/v1/audit')).body.rows[0].project).toBe('ada/flood')
    expect((await ask('?project=ada/none', ada, '/api/v1/audit')).status).toBe(404)
    // What people of the project see of it holds no addresses, and no attempts.
    const events = await server.request('GET', '/api/v1/projects/ada/flood/events?limit=500', { token: vera })
    expect(events.text).not.toContain('127.0.0.1')
    expect(events.body.events.some((event: { verb: string }) => event.verb === 'attempted')).toBe(false)
  })
})

/** Asks until the answer is as it must be: rows of refusals are written after the answer. */
async function until<T>(ask: () => Promise<T>, enough: (answer: T) => boolean): Promise<T> {
  for (let tries = 0; ; tries++) {
    const answer = await ask()
    if (enough(answer) || tries === 200) return answer
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
