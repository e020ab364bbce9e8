import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type MlflowApi, mlflowApi } from '../../../../tests/harness/mlflow.ts'
import { startTestServer, type TestServer } from '../../../../tests/harness/server.ts'

/**
 * Pages of experiments, logged models, registered models and versions are told by the place of the last row: whatever comes
 * or goes meanwhile, nothing that stays is left out or told twice.
 */
const ROWS = 13
const PAGE = 3
let server: TestServer
let api: MlflowApi
let experiment: string

beforeAll(async () => {
  server = await startTestServer()
  api = mlflowApi(server)
  experiment = await api.experiment('zz, for logged models')
})
afterAll(() => server.close())

type Kind = {
  /** Makes one; what identifies it. */
  add(name: string): Promise<string>
  remove(id: string): Promise<unknown>
  page(
    order: string[],
    token: string | undefined,
    size: number,
  ): Promise<{ status: number; ids: string[]; token?: string; code?: string }>
  orders: string[][]
}

const KINDS: Record<string, Kind> = {
  experiments: {
    add: (name) => api.experiment(name),
    remove: (id) => api.post('experiments/delete', { experiment_id: id }),
    async page(order_by, page_token, max_results) {
      const { status, body } = await api.post('experiments/search', {
        order_by,
        page_token,
        max_results,
        view_type: 'ACTIVE_ONLY',
      })
      const ids = (body.experiments ?? []).map((one: { experiment_id: string }) => one.experiment_id)
      return { status, ids, token: body.next_page_token, code: body.error_code }
    },
    orders: [
      [],
      ['name'],
      ['name DESC'],
      ['experiment_id DESC'],
      ['last_update_time'],
      ['creation_time DESC', 'name', 'name DESC'],
    ],
  },
  'logged models': {
    async add(name) {
      const made = await api.post('logged-models', { experiment_id: experiment, name })
      return made.body.model.info.model_id
    },
    remove: (id) => api.send('DELETE', `logged-models/${id}`),
    async page(order, page_token, max_results) {
      const order_by = order.map((clause) => ({
        field_name: clause.split(' ')[0],
        ascending: !clause.endsWith('DESC'),
      }))
      const search = { experiment_ids: [experiment, '0'], order_by, page_token, max_results }
      const { status, body } = await api.post('logged-models/search', search)
      const ids = (body.models ?? []).map((one: { info: { model_id: string } }) => one.info.model_id)
      return { status, ids, token: body.next_page_token, code: body.error_code }
    },
    orders: [
      [],
      ['name'],
      ['name DESC'],
      ['model_id DESC'],
      ['last_updated_timestamp'],
      ['metrics.acc DESC'],
      ['status', 'creation_time'],
    ],
  },
  'registered models': {
    async add(name) {
      expect((await api.post('registered-models/create', { name })).status).toBe(200)
      return name
    },
    remove: (name) => api.send('DELETE', 'registered-models/delete', { name }),
    async page(order_by, page_token, max_results) {
      const { status, body } = await api.get('registered-models/search', {
        order_by,
        page_token,
        max_results: `${max_results}`,
      })
      const ids = (body.registered_models ?? []).map((one: { name: string }) => one.name)
      return { status, ids, token: body.next_page_token, code: body.error_code }
    },
    orders: [[], ['name DESC'], ['timestamp'], ['last_updated_timestamp DESC']],
  },
  versions: {
    async add(name) {
      // Three of a model, so that names are shared.
      const model = `v-${name.slice(0, -1)}`
      await api.post('registered-models/create', { name: model })
      const made = await api.post('model-versions/create', { name: model, source: `s3://bucket/${name}` })
      return `${model}/${made.body.model_version.version}`
    },
    remove: (id) => api.send('DELETE', 'model-versions/delete', { name: id.split('/')[0], version: id.split('/')[1] }),
    async page(order_by, page_token, max_results) {
      const { status, body } = await api.get('model-versions/search', {
        order_by,
        page_token,
        max_results: `${max_results}`,
      })
      const ids = (body.model_versions ?? []).map(
        (one: { name: string; version: string }) => `${one.name}/${one.version}`,
      )
      return { status, ids, token: body.next_page_token, code: body.error_code }
    },
    orders: [[], ['name'], ['version_number DESC'], ['creation_timestamp', 'name DESC'], ['last_updated_timestamp']],
  },
}

describe.each(Object.entries(KINDS))('pages of %s', (_, kind) => {
  const ids: string[] = []
  beforeAll(async () => {
    for (let i = 0; i < ROWS; i++) ids.push(await kind.add(`row${`${i}`.padStart(2, '0')}`))
    // Rows of one and the same moment are told apart by what comes behind the time.
    for (const table of ['experiments', 'logged_models', 'registered_models', 'model_versions'] as const)
      await server.ctx.db.updateTable(table).set({ created_at_ms: 5, updated_at_ms: 5 }).execute()
    for (const id of ids.slice(0, 6)) {
      const [name = '', version] = id.split('/')
      await api.send('PATCH', 'registered-models/update', { name, description: 'later' })
      if (version !== undefined)
        await api.send('PATCH', 'model-versions/update', { name, version, description: 'later' })
    }
  })

  test.each(kind.orders.map((order) => [order]))('are the whole in pieces, ordered by %j', async (order) => {
    const whole = (await kind.page(order, undefined, 1_000)).ids
    expect(whole).toEqual(expect.arrayContaining(ids.slice(0, 3)))
    const pieces: string[] = []
    for (let token: string | undefined, first = true; first || token !== undefined; first = false) {
      const page = await kind.page(order, token, PAGE)
      expect(page.status).toBe(200)
      expect(page.ids.length).toBeLessThanOrEqual(PAGE)
      pieces.push(...page.ids)
      token = page.token
    }
    expect(pieces).toEqual(whole)
  })

  test('leave out and repeat nothing when rows come and go between them', async () => {
    const order = kind.orders[1] ?? []
    const before = (await kind.page(order, undefined, 1_000)).ids
    const first = await kind.page(order, undefined, 6)
    await kind.remove(first.ids[1] ?? '')
    await kind.remove(first.ids[5] ?? '')
    await kind.add('aaa0')
    await kind.add('zzz0')
    const seen = [...first.ids]
    for (let token = first.token; token !== undefined; ) {
      const page = await kind.page(order, token, 2)
      seen.push(...page.ids)
      token = page.token
    }
    expect(new Set(seen).size).toBe(seen.length)
    expect(seen.filter((id) => before.includes(id))).toEqual(before)
  })

  test('are refused for a token of another order, an older program or of the caller’s making', async () => {
    const [order = [], other = []] = kind.orders
    const { token = '' } = await kind.page(order, undefined, PAGE)
    const [mark, ...place] = JSON.parse(Buffer.from(token, 'base64url').toString()) as (string | number)[]
    const made = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    expect((await kind.page(order, token, PAGE)).status).toBe(200)
    for (const wrong of [
      'AAAA',
      '%%%',
      token.slice(0, -6),
      Buffer.from('{"offset":3}').toString('base64'),
      made([mark, ...place.slice(1)]),
      made([mark, ...place, 1]),
      made([mark, ...place.map((value) => (typeof value === 'number' ? `${value}` : 7))]),
      made([mark, ...place.map((value) => (typeof value === 'number' ? null : 'a\0b'))]),
      made(['x', ...place]),
      made({ place }),
    ])
      expect([wrong, await kind.page(order, wrong, PAGE)]).toMatchObject([
        wrong,
        { status: 400, code: 'INVALID_PARAMETER_VALUE' },
      ])
    expect(await kind.page(other, token, PAGE)).toMatchObject({ status: 400, code: 'INVALID_PARAMETER_VALUE' })
  })
})
