import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type MlflowApi, mlflowApi } from '../../../../tests/harness/mlflow.ts'
import { startTestServer, type TestServer } from '../../../../tests/harness/server.ts'

let server: TestServer
let api: MlflowApi
beforeAll(async () => {
  server = await startTestServer()
  api = mlflowApi(server)
})
afterAll(() => server.close())

const error = (answer: { status: number; body: { error_code: string } }) => [answer.status, answer.body.error_code]

describe('experiments', () => {
  test('Default is "0" in every project; others are numbers of the whole server', async () => {
    await server.request('POST', '/api/v1/projects', { body: { owner: 'local', name: 'other' } })
    const other = mlflowApi(server, { prefix: '/mlflow/local/other/tracking' })
    const own = (await api.get('experiments/get', { experiment_id: '0' })).body.experiment
    expect(own).toMatchObject({
      experiment_id: '0',
      name: 'Default',
      artifact_location: 'mlflow-artifacts:/0',
      lifecycle_stage: 'active',
    })
    expect(own.creation_time).toBeTypeOf('number')
    expect((await other.get('experiments/get', { experiment_id: '0' })).body.experiment.name).toBe('Default')
    const made = await api.experiment('numbers')
    const elsewhere = await other.experiment('numbers')
    expect(Number(elsewhere)).toBeGreaterThan(Number(made))
    expect(error(await other.get('experiments/get', { experiment_id: made }))).toEqual([404, 'RESOURCE_DOES_NOT_EXIST'])
    expect((await api.get('experiments/get', { experiment_id: made })).body.experiment.artifact_location).toBe(
      `mlflow-artifacts:/${made}`,
    )
  })

  test('names are required, bounded and unique; a deleted experiment keeps its name', async () => {
    expect((await api.post('experiments/create', { name: '' })).body).toMatchObject({
      error_code: 'INVALID_PARAMETER_VALUE',
      message: expect.stringContaining("Missing value for required parameter 'name'"),
    })
    expect(error(await api.post('experiments/create', { name: 'x'.repeat(501) }))).toEqual([
      400,
      'INVALID_PARAMETER_VALUE',
    ])
    expect((await api.post('experiments/create', { name: `é${'x'.repeat(499)}` })).status).toBe(200)
    const id = await api.experiment('unique / name: ok?')
    expect(error(await api.post('experiments/create', { name: 'unique / name: ok?' }))).toEqual([
      400,
      'RESOURCE_ALREADY_EXISTS',
    ])
    expect(error(await api.post('experiments/create', { name: 'Default' }))).toEqual([400, 'RESOURCE_ALREADY_EXISTS'])
    await api.post('experiments/delete', { experiment_id: id })
    expect(error(await api.post('experiments/create', { name: 'unique / name: ok?' }))).toEqual([
      400,
      'RESOURCE_ALREADY_EXISTS',
    ])
    expect(
      (await api.get('experiments/get-by-name', { experiment_name: 'unique / name: ok?' })).body.experiment
        .lifecycle_stage,
    ).toBe('deleted')
    expect(error(await api.get('experiments/get-by-name', { experiment_name: 'none' }))).toEqual([
      404,
      'RESOURCE_DOES_NOT_EXIST',
    ])
  })

  test('two creations of one name at once: one wins, the other is told so', async () => {
    const answers = await Promise.all(Array.from({ length: 6 }, () => api.post('experiments/create', { name: 'race' })))
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 400, 400, 400, 400, 400])
  })

  test('delete and restore take the runs with them; twice is 404', async () => {
    const id = await api.experiment('life')
    const run = await api.run(id)
    expect((await api.post('experiments/delete', { experiment_id: id })).body).toEqual({})
    expect(error(await api.post('experiments/delete', { experiment_id: id }))).toEqual([404, 'RESOURCE_DOES_NOT_EXIST'])
    expect((await api.get('runs/get', { run_id: run })).body.run.info.lifecycle_stage).toBe('deleted')
    expect(error(await api.post('runs/create', { experiment_id: id }))).toEqual([400, 'INVALID_PARAMETER_VALUE'])
    expect(error(await api.post('experiments/update', { experiment_id: id, new_name: 'x' }))).toEqual([
      400,
      'INVALID_PARAMETER_VALUE',
    ])
    expect((await api.post('experiments/restore', { experiment_id: id })).status).toBe(200)
    expect(error(await api.post('experiments/restore', { experiment_id: id }))).toEqual([
      404,
      'RESOURCE_DOES_NOT_EXIST',
    ])
    expect((await api.get('runs/get', { run_id: run })).body.run.info.lifecycle_stage).toBe('active')
  })

  test('rename and tags', async () => {
    const id = await api.experiment('before')
    expect((await api.post('experiments/update', { experiment_id: id, new_name: 'after' })).body).toEqual({})
    expect(error(await api.post('experiments/update', { experiment_id: id, new_name: 'Default' }))).toEqual([
      400,
      'RESOURCE_ALREADY_EXISTS',
    ])
    await api.post('experiments/set-experiment-tag', { experiment_id: id, key: 'mlflow.note.content', value: 'hello' })
    expect((await api.get('experiments/get', { experiment_id: id })).body.experiment).toMatchObject({
      name: 'after',
      tags: [{ key: 'mlflow.note.content', value: 'hello' }],
    })
    expect(
      error(
        await api.post('experiments/set-experiment-tag', { experiment_id: id, key: 'k', value: 'x'.repeat(20_001) }),
      ),
    ).toEqual([400, 'INVALID_PARAMETER_VALUE'])
    expect(
      (await api.post('experiments/delete-experiment-tag', { experiment_id: id, key: 'mlflow.note.content' })).body,
    ).toEqual({})
    expect(error(await api.post('experiments/delete-experiment-tag', { experiment_id: id, key: 'none' }))).toEqual([
      404,
      'RESOURCE_DOES_NOT_EXIST',
    ])
  })

  test('ids that are none', async () => {
    expect(error(await api.get('experiments/get', { experiment_id: 'abc' }))).toEqual([400, 'INVALID_PARAMETER_VALUE'])
    for (const id of ['999999', '99999999999999999999', '-1']) {
      expect([400, 404]).toContain((await api.get('experiments/get', { experiment_id: id })).status)
    }
  })

  test('search: by POST and GET, views, filters, pages', async () => {
    const names = ['find-a', 'find-b', 'find-C']
    const ids = await Promise.all(names.map((name) => api.experiment(name)))
    await api.post('experiments/set-experiment-tag', { experiment_id: ids[1], key: 'team', value: 'x' })
    const found = async (body: Record<string, unknown>) => {
      const answer = await api.post('experiments/search', { max_results: 100, order_by: ['name ASC'], ...body })
      expect(answer.status, answer.text).toBe(200)
      return (answer.body.experiments ?? []).map((experiment: { name: string }) => experiment.name)
    }
    expect(await found({ filter: "name LIKE 'find-%'" })).toEqual(['find-C', 'find-a', 'find-b'])
    expect(await found({ filter: "name ILIKE 'FIND-c'" })).toEqual(['find-C'])
    expect(await found({ filter: "tags.team = 'x'" })).toEqual(['find-b'])
    expect(await found({ filter: "tags.team != 'y' AND name LIKE 'find%'" })).toEqual(['find-b'])
    expect(await found({ filter: "tags.team IS NULL AND name LIKE 'find%'" })).toEqual(['find-C', 'find-a'])
    expect(await found({ filter: `experiment_id IN ('${ids[0]}', '0')` })).toEqual(['Default', 'find-a'])
    expect(
      await found({ filter: 'creation_time > 0 AND last_update_time < 99999999999999999', view_type: 'DELETED_ONLY' }),
    ).not.toContain('find-a')
    expect(
      (await api.get('experiments/search', { max_results: '100', filter: "name = 'find-a'", view_type: 'ALL' })).body
        .experiments,
    ).toHaveLength(1)
    expect((await api.post('experiments/search', { max_results: 5, filter: "name = 'nobody'" })).body).toEqual({})
    const first = (
      await api.post('experiments/search', { max_results: 2, filter: "name LIKE 'find-%'", order_by: ['name DESC'] })
    ).body
    expect(first.experiments.map((e: { name: string }) => e.name)).toEqual(['find-b', 'find-a'])
    const second = (
      await api.post('experiments/search', {
        max_results: 1,
        filter: "name LIKE 'find-%'",
        order_by: ['name DESC'],
        page_token: first.next_page_token,
      })
    ).body
    expect(second.experiments.map((e: { name: string }) => e.name)).toEqual(['find-C'])
    expect(second.next_page_token).toBeUndefined()
    for (const wrong of [
      {},
      { max_results: 0 },
      { max_results: 50_001 },
      { max_results: 1, filter: 'metrics.a > 1' },
      { max_results: 1, page_token: 'x' },
      { max_results: 1, order_by: ['size'] },
    ]) {
      expect(error(await api.post('experiments/search', wrong))).toEqual([400, 'INVALID_PARAMETER_VALUE'])
    }
  })
})
