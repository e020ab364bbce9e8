import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../../../tests/harness/server.ts'
import { addTestModel, addTestVersion, REGRESSION, testProject } from '../../../../tests/harness/serving.ts'

let server: TestServer
const DOOR = '/endpoints/local/flowers/iris'
const LINE = '/endpoints/local/flowers/line'
const VIOLET = { colour: 'violet', age: 21, petal_width: 1.4 }

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

const tensor = (name: string, datatype: string, data: unknown[], shape = [data.length]) => ({
  name,
  datatype,
  shape,
  data,
})
const INPUTS = [
  tensor('colour', 'BYTES', ['violet', 'white']),
  tensor('age', 'INT64', [21, 10]),
  tensor('petal_width', 'FP64', [1.4, 0.4]),
]
const V2 = `${DOOR}/v2`
const infer = (body: unknown, path = `${V2}/models/iris/infer`) => server.request('POST', path, { body })

describe('Open Inference Protocol', () => {
  it('describes server, model and health', async () => {
    expect((await server.request('GET', V2)).body).toMatchObject({
      name: 'trainyard',
      extensions: ['binary_tensor_data'],
    })
    for (const path of ['/health/live', '/health/ready', '/models/iris/ready', '/models/iris/versions/1/ready']) {
      expect(await server.request('GET', V2 + path)).toMatchObject({ status: 200, text: '' })
    }
    expect((await server.request('GET', `${V2}/models/iris`)).body).toEqual({
      name: 'iris',
      versions: ['1'],
      platform: 'onnxruntime_onnx',
      inputs: [
        { name: 'colour', datatype: 'BYTES', shape: [-1] },
        { name: 'age', datatype: 'INT64', shape: [-1] },
        { name: 'petal_width', datatype: 'FP64', shape: [-1] },
      ],
      outputs: [
        { name: 'predict', datatype: 'BYTES', shape: [-1] },
        { name: 'predict_proba', datatype: 'FP64', shape: [-1, 3] },
      ],
    })
    expect(await server.request('GET', `${V2}/models/nope`)).toMatchObject({
      status: 404,
      body: { error: expect.stringMatching('nope not found') },
    })
    expect((await server.request('GET', `${V2}/models/iris/versions/2`)).status).toBe(404)
  })

  it('infers from JSON', async () => {
    const answer = await infer({ id: 'mine', inputs: INPUTS })
    expect(answer.body).toMatchObject({ model_name: 'iris', model_version: '1', id: 'mine' })
    expect(answer.headers.get('x-prediction-ids')?.split(',')).toHaveLength(2)
    expect(answer.body.outputs[0]).toEqual(tensor('predict', 'BYTES', ['versicolor', 'setosa']))
    expect(answer.body.outputs[1]).toMatchObject({ name: 'predict_proba', datatype: 'FP64', shape: [2, 3] })
    const nested = [tensor('colour', 'BYTES', [['violet'], ['white']], [2, 1]), ...INPUTS.slice(1)]
    const chosen = await infer({ inputs: nested, outputs: [{ name: 'predict' }] }, `${V2}/models/iris/versions/1/infer`)
    expect(chosen.body.outputs).toEqual([tensor('predict', 'BYTES', ['versicolor', 'setosa'])])
    const line = await infer(
      {
        inputs: [
          tensor(
            'input',
            'FP32',
            [
              [1, 2],
              [1, 0],
            ],
            [2, 2],
          ),
        ],
      },
      `${LINE}/v2/models/line/infer`,
    )
    expect(line.body.outputs).toEqual([
      { name: 'predict', datatype: 'FP64', shape: [2], data: [expect.closeTo(-3, 4), expect.closeTo(3, 4)] },
    ])
  })

  it('refuses with 400 and a sentence', async () => {
    const refused = async (body: unknown, words: RegExp) => {
      const answer = await infer(body)
      expect(answer.status, answer.text).toBe(400)
      expect(answer.body).toEqual({ error: expect.stringMatching(words) })
    }
    await refused('{"inputs":', /not valid JSON/)
    await refused([], /JSON object/)
    await refused({}, /inputs must be/)
    await refused(
      { inputs: [tensor('colour', 'BYTES', ['a'], [1_000_000_000]), ...INPUTS.slice(1)] },
      /1000000000 values, but 1 /,
    )
    await refused({ inputs: [tensor('colour', 'BYTES', ['a'], [1e9, 1e9, 1e9]), ...INPUTS.slice(1)] }, /shape/)
    await refused({ inputs: [tensor('colour', 'BYTES', ['a']), ...INPUTS.slice(1)] }, /different numbers of rows/)
    await refused({ inputs: [tensor('colour', 'TEXT', ['a'])] }, /datatype/)
    await refused({ inputs: [tensor('colour', 'BYTES', ['a'], [-1])] }, /shape/)
    await refused({ inputs: [INPUTS[0], INPUTS[0]] }, /same name/)
    await refused({ inputs: INPUTS.slice(1) }, /rows\[0\]\.colour is missing/)
    await refused(
      { inputs: [...INPUTS.slice(0, 1), tensor('age', 'BYTES', ['21', '10']), INPUTS[2]] },
      /rows\[0\]\.age/,
    )
    await refused({ inputs: INPUTS, outputs: [{ name: 'other' }] }, /outputs\[0\]/)
    expect((await infer({ inputs: INPUTS }, `${V2}/models/iris/versions/9/infer`)).status).toBe(404)
    const pickled = await server.request('POST', `${V2}/models/iris/infer`, {
      body: 'x',
      headers: { 'content-type': 'application/x-pickle' },
    })
    expect(pickled).toMatchObject({ status: 415, body: { error: expect.any(String) } })
  })

  it('speaks binary tensors', async () => {
    const colours = Buffer.concat(
      ['violet', 'white'].flatMap((text) => [Buffer.from(Uint32Array.of(text.length).buffer), Buffer.from(text)]),
    )
    const ages = Buffer.from(BigInt64Array.of(21n, 10n).buffer)
    const widths = Buffer.from(Float32Array.of(1.4, 0.4).buffer)
    const described = [
      { name: 'colour', datatype: 'BYTES', shape: [2], parameters: { binary_data_size: colours.length } },
      { name: 'age', datatype: 'INT64', shape: [2], parameters: { binary_data_size: ages.length } },
      { name: 'petal_width', datatype: 'FP32', shape: [2], parameters: { binary_data_size: widths.length } },
    ]
    const json = Buffer.from(JSON.stringify({ inputs: described, parameters: { binary_data_output: true } }))
    const send = (parts: Buffer[]) =>
      fetch(`${server.url}${V2}/models/iris/infer`, {
        method: 'POST',
        headers: { 'content-type': 'application/octet-stream', 'inference-header-content-length': String(json.length) },
        body: new Uint8Array(Buffer.concat(parts)),
      })
    const answer = await send([json, colours, ages, widths])
    expect(answer.status).toBe(200)
    const bytes = Buffer.from(await answer.arrayBuffer())
    const length = Number(answer.headers.get('inference-header-content-length'))
    const { outputs } = JSON.parse(bytes.toString('utf8', 0, length))
    expect(outputs[0]).toEqual({
      name: 'predict',
      datatype: 'BYTES',
      shape: [2],
      parameters: { binary_data_size: 4 + 10 + 4 + 6 },
    })
    expect(bytes.toString('utf8', length + 4, length + 14)).toBe('versicolor')
    const scores = [...Array(6).keys()].map((i) => bytes.readDoubleLE(length + 24 + 8 * i))
    expect(scores[0]! + scores[1]! + scores[2]!).toBeCloseTo(1, 5)
    expect((await send([json, colours, ages])).status).toBe(400)
    expect((await send([json, colours, ages, widths, widths])).status).toBe(400)
    expect((await send([json.subarray(0, 5)])).status).toBe(400)
  })
})

describe('with accounts', () => {
  it('the doors need a token, even of a public project', async () => {
    const admin = await server.user('root', { isAdmin: true })
    await server.request('PATCH', '/api/v1/projects/local/flowers', { body: { visibility: 'public' }, token: admin })
    const anonymous = await score({ dataframe_records: [VIOLET] })
    expect(anonymous).toMatchObject({ status: 401, body: { error_code: 'UNAUTHENTICATED' } })
    expect(anonymous.headers.get('www-authenticate')).toMatch('Bearer')
    expect(await infer({ inputs: INPUTS })).toMatchObject({ status: 401, body: { error: expect.any(String) } })
    const token = await server.user('stella', { scope: 'read' })
    const answer = await server.request('POST', `${DOOR}/invocations`, { body: { dataframe_records: [VIOLET] }, token })
    expect(answer.body).toEqual({ predictions: ['versicolor'] })
  })
})
