import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../../../tests/harness/server.ts'
import { addTestModel, addTestVersion, REGRESSION, testProject } from '../../../../tests/harness/serving.ts'
import { readCsv } from './csv.ts'

let server: TestServer
const DOOR = '/endpoints/local/flowers/iris'
const LINE = '/endpoints/local/flowers/line'
const VIOLET = { colour: 'violet', age: 21, petal_width: 1.4 }
const WHITE = { colour: 'white', age: 10, petal_width: 0.4 }
const COLUMNS = ['petal_width', 'colour', 'age']
const DATA = [
  [1.4, 'violet', 21],
  [0.4, 'white', 10],
]
const BOTH = { predictions: ['versicolor', 'setosa'] }

beforeAll(async () => {
  server = await startTestServer()
  const project = await testProject(server, 'flowers')
  await addTestVersion(server, project, await addTestModel(server, project, 'iris'), 1)
  await addTestVersion(server, project, await addTestModel(server, project, 'line'), 1, { model: REGRESSION })
  for (const name of ['iris', 'line']) {
    await server.request('POST', '/api/v1/projects/local/flowers/endpoints', {
      body: { name, model: name, version: 1 },
    })
  }
})
afterAll(() => server.close())

const score = (body: unknown, door = DOOR) => server.request('POST', `${door}/invocations`, { body })
const scoreAs = (type: string, body: string) =>
  server.request('POST', `${DOOR}/invocations`, { body, headers: { 'content-type': type } })

describe('MLflow scoring', () => {
  it("takes each of MLflow's input forms", async () => {
    const forms: unknown[] = [
      { dataframe_split: { columns: COLUMNS, data: DATA } },
      { dataframe_split: { columns: COLUMNS, data: DATA, index: [7, 8] }, params: { anything: 1 } },
      { dataframe_records: [VIOLET, WHITE] },
      { instances: [VIOLET, WHITE] },
      { inputs: { colour: ['violet', 'white'], age: [21, 10], petal_width: [1.4, 0.4] } },
      { inputs: [VIOLET, WHITE] },
      { dataframe_records: [{ ...VIOLET, extra: 'ignored, as there' }, WHITE] },
    ]
    for (const form of forms) {
      const answer = await score(form)
      expect(answer.status, JSON.stringify(form) + answer.text).toBe(200)
      expect(answer.body).toEqual(BOTH)
    }
    const csv = 'age,colour,petal_width\r\n21,"violet",1.4\r\n10,white,4e-1\r\n'
    expect((await scoreAs('text/csv', csv)).body).toEqual(BOTH)
    expect((await scoreAs('text/csv; charset=utf-8', csv)).body).toEqual(BOTH)
  })

  it('takes lists for a model that knows places only', async () => {
    const expected = { predictions: [expect.closeTo(-3, 4), expect.closeTo(3, 4)] }
    const rows = [
      [1, 2],
      [1, 0],
    ]
    for (const form of [{ inputs: rows }, { instances: rows }, { dataframe_split: { data: rows } }]) {
      expect((await score(form, LINE)).body).toEqual(expected)
    }
    expect((await score({ inputs: [[1, 2, 3]] }, LINE)).status).toBe(400)
  })

  it('says which version answered and by which ids feedback is given', async () => {
    const answer = await score({ dataframe_records: [VIOLET, WHITE] })
    expect(answer.headers.get('x-model-version')).toBe('1')
    const ids = answer.headers.get('x-prediction-ids')?.split(',') ?? []
    const listed = await server.request('GET', '/api/v1/projects/local/flowers/endpoints/iris/predictions?limit=2')
    expect(listed.body.predictions.map((row: { id: string }) => row.id)).toEqual(ids.reverse())
    const many = await score({ dataframe_records: Array(101).fill(VIOLET) })
    expect(many.body.predictions).toHaveLength(101)
    expect(many.headers.get('x-prediction-ids')).toBe(null)
  })

  it("answers errors in MLflow's shapes", async () => {
    const refused = async (body: unknown, words: RegExp) => {
      const answer = await score(body)
      expect(answer.status, answer.text).toBe(400)
      expect(answer.body.error_code).toBe('INVALID_PARAMETER_VALUE')
      expect(answer.body.message).toMatch(words)
    }
    await refused('{"dataframe_records": [', /valid JSON/)
    await refused([VIOLET], /exactly one of the input fields dataframe_split/)
    await refused({}, /exactly one/)
    await refused({ inputs: [VIOLET], instances: [VIOLET] }, /Received instances, inputs/)
    await refused({ inputs: [['violet', 21, 1.4]] }, /schema/)
    await refused({ dataframe_split: { columns: ['age'], data: [[1, 2]] } }, /data\[0\]/)
    await refused({ dataframe_split: { columns: COLUMNS } }, /dataframe_split must be/)
    await refused({ dataframe_records: 7 }, /must be a list/)
    await refused({ inputs: { colour: ['a'], age: [1, 2] } }, /same length/)
    await refused({ dataframe_records: [] }, /no rows/)
    await refused({ dataframe_records: [{ colour: 'white', age: 3 }] }, /rows\[0\]\.petal_width is missing/)
    await refused({ dataframe_records: [{ ...VIOLET, age: '21' }] }, /rows\[0\]\.age must be a whole number/)
    const csv = await scoreAs('text/csv', 'age,colour,petal_width\nold,white,1\n')
    expect(csv.body.message).toMatch(/rows\[0\]\.age.*"old"/)
    expect((await scoreAs('text/csv', 'age,colour\n1\n')).body.message).toMatch(/Line 2/)
    for (const type of [
      'application/x-pickle',
      'application/octet-stream',
      'text/plain',
      'application/json; charset=latin-1',
    ]) {
      const answer = await scoreAs(type, '{}')
      expect(answer.status).toBe(415)
      expect(answer.headers.get('content-type')).toMatch('text/plain')
    }
    const bare = await fetch(`${server.url}${DOOR}/invocations`, { method: 'POST', body: new Uint8Array([123, 125]) })
    expect(bare.status).toBe(415)
    expect(await server.request('GET', `${DOOR}/invocations`)).toMatchObject({
      status: 405,
      body: { detail: 'Method Not Allowed' },
    })
    expect((await score({ inputs: [] }, '/endpoints/local/flowers/none')).body.error_code).toBe(
      'RESOURCE_DOES_NOT_EXIST',
    )
  })

  it('answers pings and its version', async () => {
    for (const path of ['/ping', '/health'])
      expect(await server.request('GET', DOOR + path)).toMatchObject({ status: 200, text: '\n' })
    const version = await server.request('GET', `${DOOR}/version`)
    expect(version.text).toMatch(/^\d+\.\d+\.\d+$/)
    expect(version.headers.get('content-type')).toMatch('application/json')
  })
})

describe('CSV', () => {
  it('reads quotes, empty cells and line ends as they are meant', () => {
    expect(readCsv('a,b\r\n"x ""y"", z",\n\n"",2\n', 10)).toEqual({
      columns: ['a', 'b'],
      rows: [
        ['x "y", z', null],
        ['', '2'],
      ],
    })
    expect(readCsv('a\n1', 10)).toEqual({ columns: ['a'], rows: [['1']] })
    expect(readCsv('\ufeffa,b\n"1\n2",3', 10)).toEqual({ columns: ['a', 'b'], rows: [['1\n2', '3']] })
    for (const bad of ['', 'a,a\n1,2', 'a,b\n1', 'a\n"1', 'a\n"1"2']) expect(() => readCsv(bad, 10)).toThrow()
    expect(() => readCsv('a\n1\n2\n3', 2)).toThrow('at most 2 rows')
    expect(readCsv('a\n1\n2', 2).rows).toHaveLength(2)
    expect(() => readCsv(','.repeat(1_100_000), 2)).toThrow('values')
  })
})
