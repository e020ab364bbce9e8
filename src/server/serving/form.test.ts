import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { profiled, upload } from '../../../tests/harness/datasets.ts'
import { startTestServer, type TestServer } from '../../../tests/harness/server.ts'
import { addTestModel, addTestVersion, REGRESSION, testProject } from '../../../tests/harness/serving.ts'
import { LOCAL } from '../../lib/actor.ts'
import type { Project } from '../projects/projects.service.ts'
import { addRunInput } from '../tracking/inputs.service.ts'
import { createRun } from '../tracking/run-starts.service.ts'
import type { PredictionForm } from './form.service.ts'
import { humanise, niceStep } from './humanise.ts'

let server: TestServer
let project: Project
const P = '/api/v1/projects/local/flowers'

beforeAll(async () => {
  server = await startTestServer()
  project = await testProject(server, 'flowers')
})
afterAll(() => server.close())

/** 30 setosa around age 12, 20 versicolor around 22, 10 virginica around 32; colours beyond the 20 a profile keeps. */
function trainingCsv(): string {
  const rows = Array.from({ length: 60 }, (_, i) => {
    const step = i < 30 ? 0 : i < 50 ? 1 : 2
    const colour = i < 24 ? 'white' : i < 36 ? 'violet' : `shade ${i}`
    return `${colour},${10 + 10 * step + (i % 5)},${step + 0.5 + (i % 5) / 10},${['setosa', 'versicolor', 'virginica'][step]}`
  })
  return `colour,age,petal_width,kind\n${rows.join('\n')}\n`
}

async function endpoint(name: string, version: number): Promise<PredictionForm> {
  await server.request('POST', `${P}/endpoints`, { body: { name, model: name, version } })
  const answer = await server.request('GET', `${P}/endpoints/${name}/form`)
  expect(answer.status, answer.text).toBe(200)
  return answer.body
}

describe('the prediction form', () => {
  it('asks what the signature says, with choices, ranges and real rows of the training data', async () => {
    const files = [
      { path: 'test.csv', content: 'colour,age,petal_width,kind\nred,99,9,setosa\n' },
      { path: 'train.csv', content: trainingCsv() },
    ]
    expect((await upload(server, P, 'irises', files)).status).toBe(201)
    expect((await profiled(server, P, 'irises')).profile_state).toBe('ready')
    const data = await server.ctx.db.selectFrom('dataset_versions').select('id').executeTakeFirstOrThrow()
    const run = await createRun(server.ctx, LOCAL, project, {})
    await addRunInput(server.ctx, project, run.id, {
      name: 'irises',
      digest: 'd',
      sourceType: 'local',
      source: '{}',
      tags: [{ key: 'mlflow.data.context', value: 'training' }],
      datasetVersionId: data.id,
    })
    const model = await addTestModel(server, project, 'iris')
    await addTestVersion(server, project, model, 1, { runId: run.id })
    const form = await endpoint('iris', 1)
    expect(form).toMatchObject({ endpoint: 'iris', model: 'iris', version: 1 })
    expect(form.target).toEqual({ name: 'kind', labels: ['setosa', 'versicolor', 'virginica'] })
    const [colour, age, width] = form.fields
    expect(colour).toMatchObject({ name: 'colour', label: 'Colour', kind: 'choice', required: true, typical: 'white' })
    expect(colour?.help).toBe('Most often white (40 %).')
    expect(colour?.choices).toHaveLength(26)
    expect(colour?.choices?.slice(0, 2)).toEqual([
      { value: 'white', share: 0.4 },
      { value: 'violet', share: 0.2 },
    ])
    expect(colour?.choices?.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1)
    expect(age).toMatchObject({ kind: 'integer', min: 10, max: 34, step: 1, choices: null })
    expect(age?.help).toMatch(/^Usually 12 to 23; from 10 to 34/)
    expect(width).toMatchObject({
      name: 'petal_width',
      label: 'Petal width',
      kind: 'number',
      min: 0.5,
      max: 2.9,
      step: 0.02,
    })
    expect(form.examples).toHaveLength(3)
    const titles = form.examples.map((example) => example.title)
    expect(titles).toEqual(['Typical for kind setosa', 'Typical for kind versicolor', 'Typical for kind virginica'])
    const answer = await server.request('POST', `${P}/endpoints/iris/predict`, {
      body: { rows: form.examples.map((example) => example.values) },
    })
    expect(answer.body.predictions.map((row: { value: string }) => row.value)).toEqual([
      'setosa',
      'versicolor',
      'virginica',
    ])
  })

  it('is plain and honest when the training data is not known', async () => {
    const model = await addTestModel(server, project, 'unknown')
    await addTestVersion(server, project, model, 1)
    const form = await endpoint('unknown', 1)
    expect(form.examples).toEqual([])
    expect(form.fields.map((field) => field.kind)).toEqual(['text', 'integer', 'number'])
    expect(form.fields.map((field) => field.help)).toEqual([null, 'A whole number.', 'A number.'])
    expect(form.note).toMatch(/data this model was trained on is not known here/)
    expect(form.target.labels).toEqual(['setosa', 'versicolor', 'virginica'])
  })

  it('names places when a model knows no columns', async () => {
    const model = await addTestModel(server, project, 'line')
    await addTestVersion(server, project, model, 1, { model: REGRESSION })
    const form = await endpoint('line', 1)
    expect(form.fields.map(({ name, label, kind }) => [name, label, kind])).toEqual([
      ['0', 'Value 1', 'number'],
      ['1', 'Value 2', 'number'],
    ])
    expect(form.target).toEqual({ name: null, labels: null })
  })

  it('shows names as people write them and steps as people count', () => {
    expect(humanise('hours_per_week')).toBe('Hours per week')
    expect(humanise('petalWidth')).toBe('Petal width')
    expect(humanise('sepal length (cm)')).toBe('Sepal length (cm)')
    expect([0, 1, 24, 99_999, 0.003].map(niceStep)).toEqual([1, 0.01, 0.2, 500, 0.00002])
  })
})
