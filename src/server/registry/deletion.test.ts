import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BinWorld, binWorld, FLOOD } from '../../../tests/harness/bin.ts'

let world: BinWorld
beforeAll(async () => {
  world = await binWorld()
  await world.api.post('registered-models/create', { name: 'river' })
  for (const name of ['a', 'b'])
    await world.api.post('model-versions/create', { name: 'river', source: `s3://b/${name}` })
})
afterAll(() => world.server.close())

const call = (method: string, path: string, token = world.tokens.editor) =>
  world.server.request(method, `${FLOOD}/models/river${path}`, { token })

describe('deletion through our API', () => {
  it('puts a version with its aliases into the bin, and restoring brings it back', async () => {
    await world.server.request('PUT', `${FLOOD}/models/river/aliases/champion`, {
      body: { version: 2 },
      token: world.tokens.editor,
    })
    expect((await call('DELETE', '/versions/2', world.tokens.viewer)).status).toBe(403)
    expect((await call('DELETE', '/versions/9')).status).toBe(404)
    expect((await call('DELETE', '/versions/2')).status).toBe(204)
    expect((await call('GET', '')).body).toMatchObject({ aliases: [], versions: [{ version: 1 }] })
    const [item] = await world.listed('model_version')
    expect(item).toMatchObject({ name: 'river/2', deleted_by: 'edgar' })
    expect((await world.call('POST', `/model_version/${item.id}/restore`)).status).toBe(204)
    expect((await call('GET', '/versions/2')).body).toMatchObject({ version: 2, aliases: [] })
  })

  it('puts a model with its versions into the bin, and frees its name', async () => {
    expect((await call('DELETE', '', world.tokens.viewer)).status).toBe(403)
    expect((await call('DELETE', '')).status).toBe(204)
    expect((await call('GET', '')).status).toBe(404)
    expect((await call('DELETE', '')).status).toBe(404)
    const [item] = await world.listed('model')
    expect(item).toMatchObject({ name: 'river', contents: 2 })
    expect((await world.call('POST', `/model/${item.id}/restore`)).status).toBe(204)
    expect((await call('GET', '')).body).toMatchObject({ version_count: 2 })
  })
})
