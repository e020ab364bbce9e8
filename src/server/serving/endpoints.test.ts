import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../../tests/harness/server.ts'
import { addTestModel, addTestVersion, REGRESSION, testProject } from '../../../tests/harness/serving.ts'
import { LOCAL } from '../../lib/actor.ts'
import type { Project } from '../projects/projects.service.ts'
import { setAlias } from '../registry/aliases.service.ts'
import { predictRows } from './predict.service.ts'

let server: TestServer
let project: Project
const P = '/api/v1/projects/local/flowers'
const VIOLET = { colour: 'violet', age: 21, petal_width: 1.4 }

beforeAll(async () => {
  server = await startTestServer()
  project = await testProject(server, 'flowers')
})
afterAll(() => server.close())

const post = (path: string, body: unknown) => server.request('POST', P + path, { body })
const get = (path: string) => server.request('GET', P + path)

describe('an endpoint', () => {
  it('exists only on a model, alias and version that exist', async () => {
    const model = await addTestModel(server, project, 'iris')
    await addTestVersion(server, project, model, 1)
    await setAlias(server.ctx, LOCAL, project, 'iris', 'champion', 1)
    expect((await post('/endpoints', { name: 'iris', model: 'nope', alias: 'champion' })).status).toBe(404)
    expect((await post('/endpoints', { name: 'iris', model: 'iris', alias: 'absent' })).status).toBe(404)
    expect((await post('/endpoints', { name: 'iris', model: 'iris', version: 7 })).status).toBe(404)
    expect((await post('/endpoints', { name: 'iris', model: 'iris' })).body.error.field).toBe('alias')
    expect((await post('/endpoints', { name: 'a b', model: 'iris', version: 1 })).body.error.field).toBe('name')
    const made = await post('/endpoints', { name: 'iris', model: 'iris', alias: 'champion' })
    expect(made.status).toBe(201)
    expect(made.body).toMatchObject({ name: 'iris', model: 'iris', alias: 'champion', version: null })
    expect(made.body.serving).toEqual({ version: 1, runtime: 'onnx', state: 'ready', reason: null })
    expect(made.body.url).toBe(`${server.url}/endpoints/local/flowers/iris/invocations`)
    expect(made.body.stats).toEqual({ predictions_total: 0, predictions_24h: 0, p50_ms: null, p99_ms: null })
    expect((await post('/endpoints', { name: 'iris', model: 'iris', version: 1 })).status).toBe(409)
    expect((await get('/endpoints')).body.endpoints.map((endpoint: { name: string }) => endpoint.name)).toEqual([
      'iris',
    ])
  })

  it('answers with label and scores, and records each row', async () => {
    const answer = await post('/endpoints/iris/predict', {
      rows: [VIOLET, { colour: 'white', age: 10, petal_width: 0.4 }],
    })
    expect(answer.status).toBe(200)
    expect(answer.body).toMatchObject({ version: 1, runtime: 'onnx' })
    expect(answer.body.predictions.map((row: { value: string }) => row.value)).toEqual(['versicolor', 'setosa'])
    const { scores } = answer.body.predictions[0]
    expect(Object.keys(scores)).toEqual(['setosa', 'versicolor', 'virginica'])
    expect(scores.setosa + scores.versicolor + scores.virginica).toBeCloseTo(1, 5)
    const listed = (await get('/endpoints/iris/predictions')).body
    expect(listed.predictions.map((row: { id: string }) => row.id)).toEqual(
      answer.body.predictions.map((row: { id: string }) => row.id).reverse(),
    )
    expect(listed.predictions[1]).toMatchObject({ version: 1, inputs: VIOLET, value: 'versicolor', scores })
    expect(listed.predictions[1].feedback).toBe(null)
    const page = (await get('/endpoints/iris/predictions?limit=1')).body
    const rest = (await get(`/endpoints/iris/predictions?limit=1&before=${page.next_before}`)).body
    expect([page.predictions[0].id, rest.predictions[0].id]).toEqual(
      listed.predictions.map((p: { id: string }) => p.id),
    )
    expect((await get('/endpoints/iris/predictions?before=nothing')).status).toBe(400)
    expect((await get('/endpoints/iris')).body.stats).toMatchObject({ predictions_total: 2, predictions_24h: 2 })
  })

  it('shows the feedback a prediction got', async () => {
    const { predictions } = (await post('/endpoints/iris/predict', { rows: [VIOLET] })).body
    const row = await server.ctx.db
      .selectFrom('predictions')
      .selectAll()
      .where('id', '=', predictions[0].id)
      .executeTakeFirstOrThrow()
    await server.ctx.db
      .insertInto('feedback')
      .values({
        prediction_id: row.id,
        endpoint_id: row.endpoint_id,
        project_id: row.project_id,
        truth: '"setosa"',
        correct: 0,
        created_at_ms: 5,
        created_by: 'local',
      })
      .execute()
    const [newest] = (await get('/endpoints/iris/predictions?limit=1')).body.predictions
    expect(newest.feedback).toEqual({ truth: 'setosa', correct: false, created_at_ms: 5 })
  })

  it('names the value at fault and records nothing of a bad request', async () => {
    const count = async () => (await get('/endpoints/iris')).body.stats.predictions_total
    const before = await count()
    const fault = async (row: unknown, field: string, words: RegExp) => {
      const answer = await post('/endpoints/iris/predict', { rows: [VIOLET, row] })
      expect(answer.status).toBe(400)
      expect(answer.body.error.field).toBe(field)
      expect(answer.body.error.message).toMatch(words)
    }
    await fault({ ...VIOLET, age: '39' }, 'rows[1].age', /whole number \(long\), not the text "39"/)
    await fault({ ...VIOLET, age: 39.5 }, 'rows[1].age', /whole number/)
    await fault({ ...VIOLET, age: 1e300 }, 'rows[1].age', /whole number/)
    await fault({ ...VIOLET, age: null }, 'rows[1].age', /is null; the model needs it/)
    await fault({ colour: 'white', age: 3 }, 'rows[1].petal_width', /is missing/)
    await fault({ ...VIOLET, height: 3 }, 'rows[1].height', /not a column.*colour, age, petal_width/)
    await fault({ ...VIOLET, petal_width: true }, 'rows[1].petal_width', /number \(double\), not true/)
    await fault({ ...VIOLET, petal_width: [1] }, 'rows[1].petal_width', /not a list/)
    await fault({ ...VIOLET, petal_width: 1e300 }, 'rows[1].petal_width', /32 bits/)
    await fault({ ...VIOLET, colour: 7 }, 'rows[1].colour', /text/)
    expect((await post('/endpoints/iris/predict', { rows: [] })).status).toBe(400)
    expect((await post('/endpoints/iris/predict', { rows: Array(1001).fill(VIOLET) })).status).toBe(400)
    expect((await post('/endpoints/iris/predict', { rows: [VIOLET], colour: 'red' })).status).toBe(400)
    expect(await count()).toBe(before)
    await expect(
      predictRows(server.ctx, await version('iris', 1), [{ ...VIOLET, petal_width: Number.NaN }]),
    ).rejects.toMatchObject({ code: 'bad_request', field: 'rows[0].petal_width' })
    // A whole number is a number, and a category the model never saw is a category.
    expect(
      (await post('/endpoints/iris/predict', { rows: [{ colour: 'mauve', age: 3, petal_width: 1 }] })).status,
    ).toBe(200)
  })

  it('gives values only for a regressor, and takes a matrix by place', async () => {
    const model = await addTestModel(server, project, 'line')
    const made = await addTestVersion(server, project, model, 1, { model: REGRESSION })
    const { outputs, runtime } = await predictRows(server.ctx, made, [{ 0: 1, 1: 2 }])
    expect(runtime).toBe('onnx')
    expect(outputs).toEqual([{ value: expect.closeTo(-3, 4), scores: null }])
    await expect(predictRows(server.ctx, made, [{ 0: 1 }])).rejects.toMatchObject({ field: 'rows[0].1' })
  })

  it('derives what a conversion report does not say from the model itself', async () => {
    const model = await addTestModel(server, project, 'bare')
    const made = await addTestVersion(server, project, model, 1)
    await server.ctx.db.updateTable('model_forms').set({ report: null }).where('version_id', '=', made.id).execute()
    const { outputs } = await predictRows(server.ctx, made, [VIOLET])
    expect(outputs).toEqual([{ value: 'versicolor', scores: null }])
  })

  it('changes, is taken away, and frees its name', async () => {
    const model = await addTestModel(server, project, 'rose')
    await addTestVersion(server, project, model, 1)
    await addTestVersion(server, project, model, 2)
    await post('/endpoints', { name: 'rose', model: 'rose', version: 1 })
    const patch = (body: unknown) => server.request('PATCH', `${P}/endpoints/rose`, { body })
    expect((await patch({ version: 9 })).status).toBe(404)
    expect((await patch({ version: 1, alias: 'x' })).status).toBe(400)
    expect((await patch({ version: 2, description: 'two' })).body).toMatchObject({
      version: 2,
      description: 'two',
      serving: { version: 2, state: 'ready' },
    })
    expect((await server.request('DELETE', `${P}/endpoints/rose`)).status).toBe(204)
    expect((await get('/endpoints/rose')).status).toBe(404)
    expect((await post('/endpoints/rose/predict', { rows: [VIOLET] })).status).toBe(404)
    expect((await post('/endpoints', { name: 'rose', model: 'rose', version: 1 })).status).toBe(201)
    const events = (await get('/events')).body.events.filter((event: { subject: string }) => event.subject === 'rose')
    expect(events.map((event: { verb: string }) => event.verb).reverse()).toEqual([
      'created',
      'updated',
      'deleted',
      'created',
    ])
  })
})

describe('a viewer', () => {
  it('may use the form and predict, and change nothing; a stranger sees nothing', async () => {
    const owner = await server.user('ada')
    const viewer = await server.user('vera')
    const stranger = await server.user('stella')
    await server.request('PATCH', '/api/v1/projects/local/flowers', { body: {}, token: owner })
    const admin = await server.user('root', { isAdmin: true })
    await server.request('PUT', `${P}/members/vera`, { body: { role: 'viewer' }, token: admin })
    const path = `${P}/endpoints/iris`
    const body = { rows: [VIOLET] }
    expect((await server.request('POST', `${path}/predict`, { body, token: viewer })).status).toBe(200)
    expect((await server.request('DELETE', path, { token: viewer })).status).toBe(403)
    expect((await server.request('POST', `${path}/predict`, { body, token: stranger })).status).toBe(404)
    expect((await server.request('POST', `${path}/predict`, { body })).status).toBe(401)
  })
})

async function version(name: string, number: number) {
  const { findModelVersion } = await import('../registry/versions.service.ts')
  return findModelVersion(server.ctx, project.id, name, { version: number })
}
