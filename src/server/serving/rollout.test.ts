import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../../tests/harness/server.ts'
import { addTestModel, addTestVersion, IRIS, putTestForm, testProject } from '../../../tests/harness/serving.ts'
import { LOCAL } from '../../lib/actor.ts'
import type { Project } from '../projects/projects.service.ts'
import { setAlias } from '../registry/aliases.service.ts'

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

describe('following an alias', () => {
  it('drops no request and never goes back while 200 callers ask', async () => {
    const model = await addTestModel(server, project, 'moving')
    for (const number of [1, 2, 3]) await addTestVersion(server, project, model, number)
    await setAlias(server.ctx, LOCAL, project, 'moving', 'champion', 1)
    await post('/endpoints', { name: 'moving', model: 'moving', alias: 'champion' })
    const seen: number[][] = []
    let moved = false
    const caller = async () => {
      const versions: number[] = []
      seen.push(versions)
      for (let after = 0, asked = 0; after < 3 && asked < 400; asked++) {
        const answer = await post('/endpoints/moving/predict', { rows: [VIOLET] })
        if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`)
        versions.push(answer.body.version)
        if (moved && answer.body.version === 3) after++
      }
    }
    const callers = Array.from({ length: 200 }, caller)
    for (const number of [2, 3]) await setAlias(server.ctx, LOCAL, project, 'moving', 'champion', number)
    moved = true
    await Promise.all(callers)
    for (const versions of seen) {
      expect(versions).toEqual([...versions].sort((a, b) => a - b))
      expect(versions.at(-1)).toBe(3)
    }
    // Some were answered by the first version, and each answer is in the record.
    expect(seen.some((versions) => versions[0] === 1)).toBe(true)
    const total = seen.reduce((sum, versions) => sum + versions.length, 0)
    expect((await get('/endpoints/moving')).body.stats.predictions_total).toBe(total)
  }, 60_000)

  it('keeps the old version while the new one is converted or cannot be served, and says so', async () => {
    const model = await addTestModel(server, project, 'careful')
    await addTestVersion(server, project, model, 1)
    await setAlias(server.ctx, LOCAL, project, 'careful', 'champion', 1)
    await post('/endpoints', { name: 'careful', model: 'careful', alias: 'champion' })
    const next = await addTestVersion(server, project, model, 2, { form: 'queued' })
    await setAlias(server.ctx, LOCAL, project, 'careful', 'champion', 2)
    const serving = async () => (await get('/endpoints/careful')).body.serving
    const answering = async () => (await post('/endpoints/careful/predict', { rows: [VIOLET] })).body.version
    await expect.poll(serving).toMatchObject({
      version: 1,
      state: 'converting',
      reason: expect.stringMatching(/Version 2.*being converted.*Version 1 answers/),
    })
    expect(await answering()).toBe(1)
    await putTestForm(server, project, next.id, IRIS, 'refused')
    await expect.poll(serving).toMatchObject({
      version: 1,
      state: 'ready',
      reason: expect.stringMatching(/Version 2.*python_function.*Version 1 answers/),
    })
    expect(await answering()).toBe(1)
    await putTestForm(server, project, next.id, IRIS, 'ready')
    await server.request('PATCH', `${P}/endpoints/careful`, { body: { description: 'look again' } })
    await expect.poll(answering, { timeout: 5_000 }).toBe(2)
    expect(await serving()).toEqual({ version: 2, runtime: 'onnx', state: 'ready', reason: null })
    await setAlias(server.ctx, LOCAL, project, 'careful', 'champion', 1)
    await expect.poll(answering).toBe(1)
  })

  it('tells to wait when nothing older can answer, and what is missing when nothing is left', async () => {
    const model = await addTestModel(server, project, 'young')
    const version = await addTestVersion(server, project, model, 1, { form: 'queued' })
    await post('/endpoints', { name: 'young', model: 'young', version: 1 })
    const waiting = await post('/endpoints/young/predict', { rows: [VIOLET] })
    expect(waiting.status).toBe(503)
    expect(Number(waiting.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(waiting.body.error.message).toMatch(/being converted/)
    expect((await get('/endpoints/young')).body.serving).toMatchObject({ version: null, state: 'converting' })
    await server.ctx.db.updateTable('model_versions').set({ deleted_at_ms: 1 }).where('id', '=', version.id).execute()
    await expect.poll(async () => (await get('/endpoints/young')).body.serving.reason).toMatch(/no version 1 any more/)
    expect((await post('/endpoints/young/predict', { rows: [VIOLET] })).status).toBe(503)
  })

  it('asks for a signature when a model was logged without', async () => {
    const model = await addTestModel(server, project, 'mute')
    await addTestVersion(server, project, model, 1, { signature: null })
    await post('/endpoints', { name: 'mute', model: 'mute', version: 1 })
    const answer = await post('/endpoints/mute/predict', { rows: [VIOLET] })
    expect(answer.status).toBe(422)
    expect(answer.body.error.message).toMatch(/without a signature.*infer_signature/)
    expect((await get('/endpoints/mute')).body.serving).toMatchObject({ version: null, state: 'unavailable' })
    expect((await get('/endpoints/mute/form')).status).toBe(422)
  })
})

describe('after a restart', () => {
  it('falls back to the version that answered last, when the new one cannot', async () => {
    const model = await addTestModel(server, project, 'steady')
    await addTestVersion(server, project, model, 1)
    await setAlias(server.ctx, LOCAL, project, 'steady', 'champion', 1)
    await post('/endpoints', { name: 'steady', model: 'steady', alias: 'champion' })
    await post('/endpoints/steady/predict', { rows: [VIOLET] })
    await addTestVersion(server, project, model, 2, { form: 'refused' })
    await setAlias(server.ctx, LOCAL, project, 'steady', 'champion', 2)
    const endpoint = await server.ctx.db
      .selectFrom('endpoints')
      .select('id')
      .where('name', '=', 'steady')
      .executeTakeFirstOrThrow()
    server.ctx.models.rollouts.forget(endpoint.id)
    const answer = await post('/endpoints/steady/predict', { rows: [VIOLET] })
    expect(answer.body).toMatchObject({ version: 1 })
    expect((await get('/endpoints/steady')).body.serving).toMatchObject({ version: 1, state: 'ready' })
  })
})
