import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { localProject, mlflow } from '../../../../tests/harness/registry.ts'
import { startTestServer, type TestServer } from '../../../../tests/harness/server.ts'

let server: TestServer
let call: ReturnType<typeof mlflow>
const IS_PROMPT = 'tags.`mlflow.prompt.is_prompt`'

beforeAll(async () => {
  server = await startTestServer({ jobSlots: '0' })
  call = mlflow(server, await localProject(server, 'search'))
  for (const name of ['alpha', 'Beta', 'gamma_1', 'gammaX1']) await call('POST', 'registered-models/create', { name })
  await call('POST', 'registered-models/set-tag', { name: 'alpha', key: 'team', value: 'Red' })
  await call('POST', 'registered-models/set-tag', { name: 'Beta', key: 'team', value: 'blue' })
  for (const [name, run_id] of [
    ['alpha', 'a1'],
    ['alpha', 'a2'],
    ['Beta', 'b1'],
  ]) {
    await call('POST', 'model-versions/create', { name, source: `s3://b/${run_id}`, run_id })
  }
  await call('POST', 'model-versions/set-tag', { name: 'alpha', version: '1', key: 'q', value: 'x' })
  const prompt = [{ key: 'mlflow.prompt.is_prompt', value: 'true' }]
  await call('POST', 'registered-models/create', { name: 'prompt', tags: prompt })
  const made = await call('POST', 'model-versions/create', {
    name: 'prompt',
    source: 'dummy-source',
    tags: [...prompt, { key: 'mlflow.prompt.text', value: 'hi' }],
  })
  expect(made.status).toBe(200)
})
afterAll(() => server.close())

async function models(filter: string, more: Record<string, unknown> = {}) {
  const answer = await call('GET', 'registered-models/search', { filter, ...more })
  expect(answer.status, `${filter}: ${answer.text}`).toBe(200)
  return (answer.body.registered_models ?? []).map((model: { name: string }) => model.name)
}

async function versions(filter: string, more: Record<string, unknown> = {}) {
  const answer = await call('GET', 'model-versions/search', { filter, ...more })
  expect(answer.status, `${filter}: ${answer.text}`).toBe(200)
  return (answer.body.model_versions ?? []).map(
    (version: { name: string; version: string }) => `${version.name}/${version.version}`,
  )
}

describe('search of registered models', () => {
  it('orders by name in bytes and compares names and tags', async () => {
    const all = ['Beta', 'alpha', 'gammaX1', 'gamma_1']
    expect(await models('')).toEqual(all)
    expect(await models("name = 'alpha'")).toEqual(['alpha'])
    expect(await models("name LIKE 'gamma_1'")).toEqual(['gammaX1', 'gamma_1'])
    expect(await models("name like 'b%'")).toEqual([])
    expect(await models("name ILIKE 'b%'")).toEqual(['Beta'])
    expect(await models("name IN ('alpha', 'Beta')")).toEqual(['Beta', 'alpha'])
    expect(await models("name NOT IN ('alpha') AND name != 'Beta'")).toEqual(['gammaX1', 'gamma_1'])
    expect(await models("tags.team = 'Red'")).toEqual(['alpha'])
    expect(await models("tag.team != 'Red'")).toEqual(['Beta'])
    expect(await models("tags.team ILIKE '%E%' AND name = 'alpha'")).toEqual(['alpha'])
    expect(await models('', { order_by: ['name DESC'] })).toEqual([...all].reverse())
    expect((await models('', { order_by: ['last_updated_timestamp DESC', 'name ASC'] })).length).toBe(4)
  })

  it('hides prompts unless they are asked for, and lets untagged models match !=', async () => {
    expect(await models(`${IS_PROMPT} != 'true'`)).toHaveLength(4)
    expect(await models(`name ILIKE 'p%' AND ${IS_PROMPT} != 'true'`)).toEqual([])
    expect(await models(`${IS_PROMPT} = 'false'`)).toHaveLength(4)
    expect(await models(`${IS_PROMPT} = 'true'`)).toEqual(['prompt'])
    expect(await versions("name = 'prompt'")).toEqual([])
    expect(await versions(`${IS_PROMPT} = 'true'`)).toEqual(['prompt/1'])
  })

  it('pages, without a token on a full last page', async () => {
    const first = await call('GET', 'registered-models/search', { max_results: 3 })
    expect(first.body.registered_models).toHaveLength(3)
    const second = await call('GET', 'registered-models/search', {
      max_results: 1,
      page_token: first.body.next_page_token,
    })
    expect(second.body.registered_models.map((model: { name: string }) => model.name)).toEqual(['gamma_1'])
    expect(second.body).not.toHaveProperty('next_page_token')
    expect((await call('GET', 'registered-models/search', { max_results: 4 })).body).not.toHaveProperty(
      'next_page_token',
    )
    expect((await call('GET', 'registered-models/search', { filter: "name = 'none'" })).body).toEqual({})
  })

  it('refuses what it does not know', async () => {
    for (const filter of [
      "description = 'x'",
      'name > 1',
      "name = 'a' OR name = 'b'",
      "metrics.a = 'x'",
      "tags.a IN ('x')",
      'tags.a = 1',
      'name IS NULL',
    ]) {
      expect(await call('GET', 'registered-models/search', { filter }), filter).toMatchObject({
        status: 400,
        body: { error_code: 'INVALID_PARAMETER_VALUE' },
      })
    }
    for (const more of [
      { max_results: 1001 },
      { max_results: 0 },
      { page_token: 'x' },
      { order_by: ['size'] },
      { order_by: ['timestamp', 'last_updated_timestamp'] },
    ]) {
      expect((await call('GET', 'registered-models/search', more)).status, JSON.stringify(more)).toBe(400)
    }
  })
})

describe('search of versions', () => {
  it('compares attributes and tags', async () => {
    expect(await versions('')).toHaveLength(3)
    expect((await versions(''))[0]).toBe('Beta/1') // the newest: a tag that was set since dates nothing
    expect(await versions("name = 'alpha'", { order_by: ['version_number ASC'] })).toEqual(['alpha/1', 'alpha/2'])
    expect(await versions("run_id IN ('a2', 'b1')", { order_by: ['name DESC'] })).toEqual(['alpha/2', 'Beta/1'])
    expect(await versions("source_path LIKE 's3://b/a%' AND version_number > 1")).toEqual(['alpha/2'])
    expect(await versions("tags.q = 'x'")).toEqual(['alpha/1'])
    for (const filter of [
      "version_number LIKE '1'",
      "version_number = 'x'",
      'version_number > 1.5',
      "source_path IN ('a')",
      "stage = 'x'",
    ]) {
      expect((await call('GET', 'model-versions/search', { filter })).status, filter).toBe(400)
    }
    expect((await call('GET', 'model-versions/search', { max_results: 0 })).status).toBe(400)
    expect((await call('GET', 'model-versions/search', { max_results: 200_001 })).status).toBe(400)
  })
})
