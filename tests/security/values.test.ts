import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fire } from '../harness/attacker.ts'
import { type MlflowApi, mlflowApi } from '../harness/mlflow.ts'
import { startTestServer, type TestServer } from '../harness/server.ts'

/** Values that a parser, a database or a prototype could take for something else (rows 39, 80, 101, 105). */
let server: TestServer
let api: MlflowApi
let run: string
let runs: string[]
const P = '/api/v1/projects/local/default'
const MLFLOW = '/api/2.0/mlflow'

beforeAll(async () => {
  server = await startTestServer({ jobSlots: '0' })
  api = mlflowApi(server)
  runs = []
  for (const name of ['a', 'b', 'c'])
    runs.push(await api.run('0', { run_name: name, tags: [{ key: 'k', value: name }] }))
  run = runs[0] ?? ''
  await api.post('runs/log-metric', { run_id: run, key: 'loss', value: 1, timestamp: 1 })
  await api.post('registered-models/create', { name: 'flowers' })
})
afterAll(() => server.close())

const found = (answer: { body: { runs?: { info: { run_id: string } }[] } }) =>
  (answer.body.runs ?? []).map((one) => one.info.run_id)

describe('SQL', () => {
  const injections = [
    "' OR '1'='1",
    "' OR 1=1 --",
    "'; DROP TABLE runs; --",
    "') UNION SELECT password_hash FROM users --",
    "\\' OR 1=1 --",
    "'' OR ''=''",
    '" OR ""="',
    '%',
    '_',
    "a' AND (SELECT 1 FROM pg_sleep(5)) --",
    "'||(SELECT name FROM users LIMIT 1)||'",
    '$1',
    '?',
    ':name',
    '{jndi:ldap://127.0.0.1/x}',
  ]

  test('sqli-run-filter: a filter finds what it says, and unknown attributes are refused', async () => {
    for (const text of injections) {
      for (const filter of [
        `tags.k = "${text.replaceAll('"', '')}"`,
        `tags.k = '${text}'`,
        `attributes.run_name = '${text}'`,
        `params.p = '${text}'`,
        `metrics.loss > ${text}`,
        `${text} = 'a'`,
        `tags.k = 'a' ${text}`,
        `tags.\`${text.replaceAll('`', '')}\` = 'a'`,
      ]) {
        const answer = await api.post('runs/search', { experiment_ids: ['0'], filter })
        expect([200, 400], `${filter}: ${answer.text}`).toContain(answer.status)
        // The one thing that none of them may do is to find every run.
        expect(found(answer).length, filter).toBeLessThan(3)
      }
    }
    for (const attribute of [
      'password_hash',
      'users.password_hash',
      'project_id',
      'experiment.project_id',
      'row_id',
      'rowid',
      'token_hash',
      'run.id',
      'id__startswith',
    ])
      for (const filter of [
        `${attribute} = 'a'`,
        `attributes.${attribute} LIKE 'a%'`,
        `attribute.${attribute} != ''`,
      ]) {
        const answer = await api.post('runs/search', { experiment_ids: ['0'], filter })
        expect([filter, answer.status]).toEqual([filter, 400])
      }
  })

  test('sqli-order-by, sqli-page-token: an order is of known names, a token is ours', async () => {
    for (const text of [
      ...injections,
      'password_hash',
      '(SELECT 1)',
      'start_time; DROP TABLE runs',
      'start_time DESC, (SELECT 1)',
      'random()',
    ]) {
      for (const [path, message] of [
        ['runs/search', { experiment_ids: ['0'], order_by: [text] }],
        ['runs/search', { experiment_ids: ['0'], page_token: text }],
        ['experiments/search', { order_by: [text], max_results: 10 }],
        ['experiments/search', { page_token: text, max_results: 10 }],
        ['logged-models/search', { experiment_ids: ['0'], order_by: [{ field_name: text }] }],
        ['logged-models/search', { experiment_ids: ['0'], page_token: text }],
      ] as const) {
        const answer = await api.post(path, message)
        expect([path, text, answer.status], answer.text).toEqual([path, text, 400])
      }
    }
  })

  test('sqli-model-filter: nor in the registry, nor in our own API', async () => {
    for (const text of injections) {
      const escaped = encodeURIComponent(`name = '${text}'`)
      for (const url of [
        `${MLFLOW}/registered-models/search?filter=${escaped}`,
        `${MLFLOW}/model-versions/search?filter=${escaped}`,
        `${MLFLOW}/registered-models/search?filter=${encodeURIComponent(`${text} = 'flowers'`)}`,
        `${MLFLOW}/registered-models/search?order_by=${encodeURIComponent(text)}`,
        `${MLFLOW}/registered-models/get?name=${encodeURIComponent(text)}`,
        `${MLFLOW}/experiments/get-by-name?experiment_name=${encodeURIComponent(text)}`,
        `${MLFLOW}/runs/get?run_id=${encodeURIComponent(text)}`,
        `${P}/runs?filter=${escaped}`,
        `${P}/runs?order_by=${encodeURIComponent(text)}`,
        `/api/v1/projects/local/${encodeURIComponent(text)}`,
        `/api/stac/search?ids=${encodeURIComponent(text)}`,
      ]) {
        const answer = await fire(server, 'GET', url)
        expect(answer.status, `${url}: ${answer.text}`).toBeLessThan(500)
        expect(answer.text, url).not.toMatch(/syntax error|SQLITE|near "|relation "|"flowers"/)
      }
    }
    expect((await api.get('registered-models/get', { name: 'flowers' })).status).toBe(200)
  })

  test('sqli-values: what is stored comes back as it was said', async () => {
    for (const [i, text] of injections.entries()) {
      await api.post('runs/set-tag', { run_id: run, key: `sql${i}`, value: text })
      const answer = await api.post('runs/search', {
        experiment_ids: ['0'],
        filter: text.includes("'") ? `tags.sql${i} = "${text.replaceAll('"', '')}"` : `tags.sql${i} = '${text}'`,
      })
      if (!text.includes('"')) expect([text, found(answer)]).toEqual([text, [run]])
      const { tags } = (await api.get('runs/get', { run_id: run })).body.run.data
      expect(tags).toContainEqual({ key: `sql${i}`, value: text })
    }
  })
})

describe('numbers', () => {
  const numbers = [
    '9223372036854775808',
    '-9223372036854775809',
    '1e400',
    '-1e400',
    '1e308',
    '123456789012345678901234567890',
    '1.5',
    '-1',
    '1e-400',
    '0x10',
    '١',
  ]

  test('num-int64, num-double: beyond what there is, is the caller’s mistake', async () => {
    for (const number of numbers) {
      for (const [path, body] of [
        ['runs/log-metric', `{"run_id":"${run}","key":"n","value":${number},"timestamp":1}`],
        ['runs/log-metric', `{"run_id":"${run}","key":"n","value":1,"timestamp":${number}}`],
        ['runs/log-metric', `{"run_id":"${run}","key":"n","value":1,"timestamp":1,"step":${number}}`],
        [
          'runs/log-metric',
          `{"run_id":"${run}","key":"n","value":"${number}","timestamp":"${number}","step":"${number}"}`,
        ],
        ['runs/create', `{"experiment_id":"0","start_time":${number}}`],
        ['runs/create', `{"experiment_id":${number}}`],
        ['runs/create', `{"experiment_id":"${number}"}`],
        ['runs/update', `{"run_id":"${run}","end_time":${number}}`],
        ['runs/search', `{"experiment_ids":["0"],"max_results":${number}}`],
        ['runs/search', `{"experiment_ids":["${number}"]}`],
        ['runs/search', `{"experiment_ids":["0"],"filter":"metrics.loss > ${number}"}`],
        ['runs/search', `{"experiment_ids":["0"],"filter":"attributes.start_time > ${number}"}`],
        ['registered-models/alias', `{"name":"flowers","alias":"a","version":"${number}"}`],
        ['model-versions/transition-stage', `{"name":"flowers","version":${number},"stage":"Staging"}`],
      ] as const) {
        const answer = await fire(server, 'POST', `${MLFLOW}/${path}`, {
          body,
          headers: { 'content-type': 'application/json' },
        })
        expect(answer.status, `${path} ${body}: ${answer.text}`).toBeLessThan(500)
      }
      for (const url of [
        `${MLFLOW}/metrics/get-history?run_id=${run}&metric_key=loss&max_results=${number}`,
        `${MLFLOW}/model-versions/get?name=flowers&version=${number}`,
        `${MLFLOW}/experiments/get?experiment_id=${number}`,
        `${P}/runs?limit=${number}`,
        `${P}/models/flowers/versions/${number}`,
        `${P}/metrics/series?runs=${run}&key=loss&points=${number}`,
        `${P}/events?limit=${number}`,
      ]) {
        const answer = await fire(server, 'GET', encodeURI(url))
        expect(answer.status, `${url}: ${answer.text}`).toBeLessThan(500)
      }
    }
    expect((await api.get('metrics/get-history', { run_id: run, metric_key: 'loss' })).body.metrics).toHaveLength(1)
  })
})

describe('texts', () => {
  test('json-unicode: what can be stored comes back in the same bytes, what cannot is refused', async () => {
    const kept = [
      '日本',
      'é',
      'e\u0301',
      '\u202etxt.exe',
      '\ufeffx',
      '\u2028',
      '😀',
      '\u0007',
      'a\nb',
      '\u00a0',
      '\ufffd',
      '\uffff',
      'Ω'.repeat(100),
    ]
    for (const [i, text] of kept.entries()) {
      expect((await api.post('runs/set-tag', { run_id: run, key: `u${i}`, value: text })).status, text).toBe(200)
      const { tags } = (await api.get('runs/get', { run_id: run })).body.run.data
      expect(tags).toContainEqual({ key: `u${i}`, value: text })
    }
    for (const value of ['"a\\u0000b"', '"\\ud800"', '"\\udc00x"', '"\\ud800\\ud800"']) {
      for (const [path, body] of [
        ['runs/set-tag', `{"run_id":"${run}","key":"u","value":${value}}`],
        ['runs/set-tag', `{"run_id":"${run}","key":${value},"value":"v"}`],
        ['runs/log-parameter', `{"run_id":"${run}","key":"p","value":${value}}`],
        ['experiments/create', `{"name":${value}}`],
        ['registered-models/create', `{"name":${value}}`],
        ['registered-models/create', `{"name":"u","description":${value}}`],
        ['runs/search', `{"experiment_ids":["0"],"filter":${value}}`],
      ] as const) {
        const answer = await fire(server, 'POST', `${MLFLOW}/${path}`, {
          body,
          headers: { 'content-type': 'application/json' },
        })
        expect([path, value, answer.status], answer.text).toEqual([path, value, 400])
      }
    }
    for (const bytes of [
      Buffer.from([0xff, 0xfe]),
      Buffer.from('{"name":"\xc3("}', 'latin1'),
      Buffer.from('{"name":"a"}', 'utf16le'),
    ]) {
      for (const path of [`${MLFLOW}/experiments/create`, '/api/v1/projects']) {
        const answer = await fire(server, 'POST', path, {
          body: bytes,
          headers: { 'content-type': 'application/json' },
        })
        expect(answer.status, answer.text).toBe(400)
      }
    }
  })

  test('redos-names, json-unicode: keys of metrics and params cannot break a list or a path', async () => {
    for (const key of [
      'a\nb',
      'a\tb',
      '../a',
      '/a',
      'a//b',
      './a',
      '..',
      'a/../b',
      '\u0000',
      'a\\b',
      '<b>',
      'a"b',
      "a'b",
      'a;b',
      '%2e%2e',
      '',
    ])
      for (const [path, message] of [
        ['runs/log-metric', { run_id: run, key, value: 1, timestamp: 1 }],
        ['runs/log-parameter', { run_id: run, key, value: 'x' }],
        ['runs/set-tag', { run_id: run, key, value: 'x' }],
      ] as const) {
        const answer = await api.post(path, message)
        expect([path, key, answer.status], answer.text).toEqual([path, key, 400])
      }
  })

  test('json-proto-pollution: names of prototypes are refused, or are names like any other', async () => {
    const before = JSON.stringify(Object.getOwnPropertyNames(Object.prototype))
    for (const body of [
      '{"__proto__":{"isAdmin":true},"name":"p"}',
      '{"constructor":{"prototype":{"isAdmin":true}},"name":"c"}',
      '{"name":"n","tags":[{"key":"__proto__","value":"x"},{"key":"constructor","value":"x"}]}',
      '{"name":"h","hasOwnProperty":1,"toString":1,"valueOf":1,"toJSON":1,"then":1}',
      '{"\\u005f_proto__":{"isAdmin":true},"name":"e"}',
      '[{"__proto__":1}]',
    ]) {
      for (const path of [
        `${MLFLOW}/experiments/create`,
        `${MLFLOW}/registered-models/create`,
        '/api/v1/projects',
        '/api/3.0/mlflow/traces',
      ]) {
        const answer = await fire(server, 'POST', path, { body, headers: { 'content-type': 'application/json' } })
        expect(answer.status, `${path} ${body} ${answer.text}`).toBeLessThan(500)
      }
    }
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '__defineGetter__']) {
      const key = name.includes('__proto__') ? 'proto' : name
      expect(
        (
          await api.post('runs/log-batch', {
            run_id: run,
            metrics: [{ key, value: 1, timestamp: 1 }],
            params: [{ key, value: name }],
            tags: [{ key, value: name }],
          })
        ).status,
      ).toBe(200)
      for (const url of [
        `${P}/runs?${name}=1`,
        `${P}/runs/${name}`,
        `${MLFLOW}/runs/get?${name}=1`,
        `${MLFLOW}/experiments/get-by-name?experiment_name=${name}`,
        `/api/v1/projects/${name}/${name}`,
        `${P}/metrics/series?runs=${run}&key=${name}`,
        `/assets/${name}`,
      ]) {
        const answer = await fire(server, 'GET', url)
        expect(answer.status, url).toBeLessThan(500)
        expect(answer.text).not.toContain('[native code]')
      }
      const filter = `tags.${key} = '${name}'`
      const search = await api.post('runs/search', { experiment_ids: ['0'], filter })
      expect([filter, found(search)]).toEqual([filter, [run]])
    }
    expect(JSON.stringify(Object.getOwnPropertyNames(Object.prototype))).toBe(before)
    expect(({} as Record<string, unknown>).isAdmin).toBeUndefined()
  })

  test('json-types: a field of another kind is a refusal, whatever it is', async () => {
    for (const value of ['null', 'true', '1', '[]', '{}', '[[]]', '{"a":1}', '"x"', '[null]']) {
      for (const [path, body] of [
        ['runs/log-batch', `{"run_id":"${run}","metrics":${value},"params":${value},"tags":${value}}`],
        ['runs/log-batch', `{"run_id":"${run}","metrics":[${value}]}`],
        ['runs/create', `{"experiment_id":${value},"tags":${value}}`],
        ['runs/search', `{"experiment_ids":${value},"filter":${value},"order_by":${value},"run_view_type":${value}}`],
        ['runs/log-inputs', `{"run_id":"${run}","datasets":[{"dataset":${value},"tags":${value}}],"models":${value}}`],
        ['registered-models/create', `{"name":${value},"tags":[${value}]}`],
        ['model-versions/create', `{"name":"flowers","source":${value},"run_id":${value}}`],
        ['logged-models', `{"experiment_id":"0","name":${value},"params":[${value}]}`],
        ['webhooks', `{"name":"x","url":${value},"events":${value}}`],
      ] as const) {
        const answer = await fire(server, 'POST', `${MLFLOW}/${path}`, {
          body,
          headers: { 'content-type': 'application/json' },
        })
        expect(answer.status, `${path} ${body}: ${answer.text}`).toBeLessThan(500)
      }
    }
  })
})

describe('races', () => {
  test('race-experiment-name, race-version-number, race-alias: one wins, the others are told', async () => {
    const made = await Promise.all(Array.from({ length: 8 }, () => api.post('experiments/create', { name: 'race' })))
    expect(made.map((answer) => answer.status).sort()).toEqual([200, ...Array<number>(7).fill(400)])
    const models = await Promise.all(
      Array.from({ length: 8 }, () => api.post('registered-models/create', { name: 'race' })),
    )
    expect(models.filter((answer) => answer.status === 200)).toHaveLength(1)
    expect(models.filter((answer) => answer.status >= 500)).toEqual([])
    const versions = await Promise.all(
      Array.from({ length: 8 }, () => api.post('model-versions/create', { name: 'race', source: 's3://b/m' })),
    )
    expect(versions.map((answer) => Number(answer.body.model_version.version)).sort((a, b) => a - b)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8,
    ])
    const aliases = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        api.post('registered-models/alias', { name: 'race', alias: 'c', version: String(i + 1) }),
      ),
    )
    expect(aliases.map((answer) => answer.status)).toEqual(Array(8).fill(200))
    expect((await api.get('registered-models/get', { name: 'race' })).body.registered_model.aliases).toHaveLength(1)
    const params = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        api.post('runs/log-parameter', { run_id: run, key: 'race', value: String(i) }),
      ),
    )
    expect(params.map((answer) => answer.status).sort()).toEqual([200, ...Array<number>(7).fill(400)])
    const gone = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        i % 2 === 0 ? api.post('runs/delete', { run_id: runs[1] }) : api.post('runs/restore', { run_id: runs[1] }),
      ),
    )
    expect(gone.filter((answer) => answer.status >= 500)).toEqual([])
  })
})
