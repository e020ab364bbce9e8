import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fillCatalogue, IRIS_CSV } from '../../../../tests/harness/catalogue.ts'
import { startTestServer, type TestServer } from '../../../../tests/harness/server.ts'
import { stacValidator } from '../../../../tests/harness/stac-schemas.ts'

const validate = stacValidator()
let server: TestServer
let owner = ''
let stranger = ''

// biome-ignore lint/suspicious/noExplicitAny: documents of an open format
type Any = any
const get = async (path: string, token?: string) => server.request('GET', `/api/stac${path}`, { token })
const rel = (document: Any, name: string): string[] =>
  document.links.filter((link: Any) => link.rel === name).map((link: Any) => link.href)

beforeAll(async () => {
  server = await startTestServer({ jobSlots: '0' })
  ;({ owner, stranger } = await fillCatalogue(server))
})
afterAll(() => server.close())

describe('the catalogue', () => {
  it('has a landing page and collections that are valid STAC', async () => {
    const landing = await get('', owner)
    expect(landing.status).toBe(200)
    expect(rel(landing.body, 'child')).toHaveLength(2)
    for (const name of ['self', 'root', 'service-desc', 'conformance', 'data', 'search'])
      expect(rel(landing.body, name), name).not.toEqual([])
    const { conformsTo } = (await get('/conformance', owner)).body
    expect(landing.body.conformsTo).toEqual(conformsTo)
    const { collections } = (await get('/collections', owner)).body
    expect(collections.map((one: Any) => one.id)).toEqual(['dataset', 'ai-model'])
    const alone = (await get('/collections/dataset', owner)).body
    expect(alone).toEqual(collections[0])
    if (validate !== null)
      for (const document of [landing.body, ...collections]) expect(await validate(document)).toEqual([])
    const empty = (await get('/collections/dataset', stranger)).body
    if (validate !== null) expect(await validate(empty)).toEqual([])
  })

  it('answers what its links promise, in the type they promise', async () => {
    const seen = new Map<string, string>()
    const landing = (await get('', owner)).body
    const collections = (await get('/collections', owner)).body.collections
    const items = (await get('/search?limit=100', owner)).body.features
    for (const document of [landing, ...collections, ...items]) {
      for (const link of document.links)
        if (link.href.startsWith(`${server.url}/api/stac`) && link.method !== 'POST') seen.set(link.href, link.type)
    }
    expect(seen.size).toBeGreaterThan(12)
    for (const [href, type] of seen) {
      const answer = await server.request('GET', href.slice(server.url.length), { token: owner })
      expect(answer.status, href).toBe(200)
      expect(
        answer.headers.get('content-type')?.replace('application/json; charset=utf-8', 'application/json'),
        href,
      ).toBe(type)
    }
  })

  it('shows every version as a valid item that finds itself', async () => {
    const { features, numberMatched } = (await get('/search?limit=100', owner)).body
    expect(numberMatched).toBe(6)
    expect(new Set(features.map((item: Any) => item.id)).size).toBe(6)
    for (const item of features) {
      if (validate !== null) expect(await validate(item), item.id).toEqual([])
      for (const name of ['self', 'root', 'parent', 'collection'])
        expect(rel(item, name), `${item.id} ${name}`).toHaveLength(1)
      const self = await server.request('GET', (rel(item, 'self')[0] ?? '').slice(server.url.length), { token: owner })
      expect(self.body).toEqual(item)
    }
    if (validate !== null) {
      const [model] = features.filter((item: Any) => item.collection === 'ai-model')
      const broken = { ...model, properties: { ...model.properties, 'mlm:tasks': ['nonsense'] } }
      expect(await validate(broken)).not.toEqual([])
    }
  })

  it('says what a dataset version holds', async () => {
    const item = (await get('/collections/dataset/items/ada--iris--iris-rows-v2', owner)).body
    expect(item).toMatchObject({
      geometry: null,
      properties: {
        version: '2',
        license: 'CC-BY-4.0',
        'table:row_count': 4,
        'mlops:project': 'ada/iris',
        'processing:lineage': 'made from Iris_Rows@1',
      },
    })
    expect(item.bbox).toBeUndefined()
    expect(item.properties['table:columns'].map((column: Any) => column.name)).toEqual([
      'colour',
      'age',
      'petal_width',
      'kind',
    ])
    expect(Object.keys(item.assets).sort()).toEqual(['notes', 'test', 'train'])
    expect(item.assets.train).toMatchObject({
      'file:size': IRIS_CSV.length,
      'mlops:split': 'train',
      'table:row_count': 2,
    })
    const file = await server.request('GET', item.assets.train.href.slice(server.url.length), { token: owner })
    expect(file.text).toBe(IRIS_CSV)
    expect(rel(item, 'predecessor-version')[0]).toMatch(/iris-rows-v1$/)
    expect(rel(item, 'derived_from')[0]).toMatch(/iris-rows-v1$/)
    expect(
      rel((await get('/collections/dataset/items/ada--iris--iris-rows-v1', owner)).body, 'successor-version')[0],
    ).toMatch(/-v2$/)
  })

  it('says what a model version is, from its MLmodel, its run and its tags', async () => {
    const item = (await get('/collections/ai-model/items/ada--iris--iris-v1', owner)).body
    expect(item.properties).toMatchObject({
      'mlm:name': 'Iris',
      'mlm:framework': 'scikit-learn',
      'mlm:framework_version': '1.9.1',
      'mlm:tasks': ['classification'],
      'mlm:accelerator': 'amd64',
      'mlm:hyperparameters': { model_kind_of: 'tree', depth: 5 },
      'mlops:metrics': { accuracy: 0.93, loss: null },
      'mlops:aliases': ['champion'],
    })
    expect(item.properties['mlm:input'][0].input).toEqual({
      shape: [-1, 3],
      dim_order: ['batch', 'features'],
      data_type: 'other',
    })
    expect(item.properties['mlm:output'][0]['classification:classes'][2]).toEqual({
      value: 2,
      name: 'virginica',
      title: 'virginica',
      description: 'virginica',
    })
    expect(item.properties['mlops:signature'].inputs).toHaveLength(3)
    expect(item.assets.model).toMatchObject({
      'mlm:artifact_type': 'skops.io.dump',
      roles: ['mlm:model', 'data'],
      title: 'model.skops',
    })
    expect(item.assets['model-onnx']['file:checksum']).toMatch(/^1220[0-9a-f]{64}$/)
    const [from] = item.links.filter((link: Any) => link.rel === 'derived_from')
    expect(from).toMatchObject({
      href: expect.stringMatching(/dataset\/items\/ada--iris--iris-rows-v2$/),
      'ml-aoi:split': 'train',
    })
    const tensors = (await get('/collections/ai-model/items/ada--iris--7-of-9-tensors-v1', owner)).body
    expect(tensors.properties['mlm:input'][0].input.dim_order).toEqual(['batch', 'channel', 'height', 'width'])
    expect(tensors.properties['mlm:framework_version']).toBe('2.13.0+cu126')
  })

  it('gives two names with one slug two ids', async () => {
    const { features } = (await get('/collections/dataset/items', owner)).body
    expect(features.map((item: Any) => item.id).sort()).toEqual([
      expect.stringMatching(/^ada--iris--iris-rows-[0-9a-f]{6}-v1$/),
      'ada--iris--iris-rows-v1',
      'ada--iris--iris-rows-v2',
    ])
  })
})
