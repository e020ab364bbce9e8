import { long, type Scenario } from './scenario.ts'

const forms: Scenario = {
  name: 'wire',
  async play(t) {
    await t.experiment('$exp')
    await t.run('$r', '$exp')
    const tag = (raw: string, headers: Record<string, string> = {}) =>
      t.send('POST', 'runs/set-tag', undefined, { raw, headers })
    const good = '{"run_id":"$r","key":"k","value":"v"}'
    for (const type of [
      'application/json',
      'application/json; charset=utf-8',
      'Application/JSON',
      'application/json;charset=UTF-8',
      'text/plain',
      'application/x-www-form-urlencoded',
      'text/json',
      'application/vnd.api+json',
      'application/octet-stream',
      'multipart/form-data',
      '',
    ])
      await tag(good, { 'content-type': type })
    for (const raw of [
      '',
      ' ',
      '{',
      '{}',
      '[]',
      'null',
      '5',
      '"x"',
      'true',
      '{"run_id":"$r","key":"k","value":"v"',
      `${good} trailing`,
      `\ufeff${good}`,
      JSON.stringify(good),
      JSON.stringify(JSON.stringify(good)),
      JSON.stringify('{'),
      '{"run_id":"$r","key":"k","value":"v",}',
      "{'run_id':'$r'}",
      '{"run_id":"$r","key":"k","value":"v","value":"w"}',
      '{"run_id":"$r","key":"k","value":null}',
      '{"run_id":null,"key":"k","value":"v"}',
      '{"run_id":"$r","run_id":null,"key":"k","value":"v"}',
      '{"runId":"$r","key":"k","value":"camel"}',
      '{"run_id":"$r","runId":"$r","key":"k","value":"both"}',
      '{"run_uuid":"$r","key":"k","value":"uuid"}',
      '{"run_id":"$r","run_uuid":"other","key":"k","value":"two ids"}',
      '{"run_id":"","run_uuid":"$r","key":"k","value":"empty id"}',
      '{"runUuid":"$r","key":"k","value":"camel uuid"}',
      '{"RUN_ID":"$r","key":"k","value":"v"}',
      '{"run_id":"$r","key":"k","value":"v","unknown":{"deep":[1,{"x":null}]}}',
      '{"run_id":"$r","key":"k","value":"v","__proto__":{"x":1},"constructor":5}',
      '{"run_id":["$r"],"key":"k","value":"v"}',
      '{"run_id":{"x":"$r"},"key":"k","value":"v"}',
      '{"run_id":5,"key":"k","value":"v"}',
      '{"run_id":true,"key":"k","value":"v"}',
      '{"run_id":"$r","key":"k","value":1.5}',
      '{"run_id":"$r","key":"k","value":["v"]}',
      '{"run_id":"$r","key":"k","value":"\\u00e9\\ud83c\\udf89"}',
      '{"run_id":"$r","key":"k","value":"\\ud800"}',
      '{"run_id":"$r","key":"k","value":"\\u0000"}',
      '{"run_id":"$r","key":"k","value":"a\tb"}',
      ' \n {"run_id" : "$r" , "key":"k","value":"v"} \n',
    ])
      await tag(raw)
    await t.get('runs/get', { run_id: '$r' }, { keep: ({ run }) => run.data })
    for (const headers of [
      { 'x-mlflow-client-version': '3.17.2' },
      { 'user-agent': 'mlflow-python-client/2.10.0' },
      { accept: 'text/html' },
      { 'x-unknown': 'y' },
    ])
      await t.get('runs/get', { run_id: '$r' }, { headers: headers as never, keep: () => 'ok' })
    for (const root of ['/api/2.0', '/ajax-api/2.0', '/api/3.0', '/ajax-api/3.0', '/api/1.0', '/api', '']) {
      await t.get(`${root}/mlflow/runs/get`, { run_id: '$r' }, { keep: () => 'ok' })
      await t.post(`${root}/mlflow/experiments/search`, { max_results: 1 }, { keep: () => 'ok' })
    }
    for (const path of [
      'runs/get/',
      'runs/Get',
      'runs',
      'nonsense',
      '/api/2.0/mlflow',
      '/api/2.0/mlflow/',
      '/api/2.0/preview/mlflow/runs/get',
      '/ajax-api/2.0/preview/mlflow/runs/get',
    ])
      await t.get(path, { run_id: '$r' }, { keep: () => 'ok' })
    await t.get('/version')
    await t.get('/api/3.0/mlflow/server-info', {}, { keep: (json) => Object.keys(json).sort() })
    await t.get('/ajax-api/3.0/mlflow/server-info', {}, { keep: (json) => json.store_type })
    await t.get('/health')
    for (const method of ['PUT', 'PATCH', 'DELETE'])
      await t.send(method, 'runs/set-tag', { run_id: '$r', key: 'k', value: 'v' })
    for (const method of ['HEAD', 'OPTIONS']) await t.send(method, 'runs/get')
    const del = (raw: string | undefined, headers: Record<string, string> = {}) =>
      t.send('DELETE', 'registered-models/delete-tag', undefined, { raw, headers })
    await t.quiet('POST', 'registered-models/create', { name: t.name('m') })
    await del(JSON.stringify({ name: t.name('m'), key: 'k' }))
    await del(JSON.stringify({ name: t.name('m'), key: 'k' }), { 'content-type': 'text/plain' })
    await del(undefined)
    await t.send('DELETE', `registered-models/delete-tag?name=${t.name('m')}&key=k`)
    await t.send('PATCH', 'registered-models/update', undefined, {
      raw: JSON.stringify({ name: t.name('m'), description: 'typed' }),
      headers: { 'content-type': 'text/plain' },
    })
    await t.send('POST', `runs/set-tag?run_id=$r&key=k&value=query`, {})
    await t.get(
      'experiments/search',
      { max_results: '1', filter: `name = '${t.name('exp')}'`, view_type: 'ACTIVE_ONLY' },
      { keep: (json) => json.experiments?.length },
    )
    await t.get('experiments/search', { max_results: 'x' })
    await t.get('experiments/search', { max_results: ['1', '2'] }, { keep: (json) => json.experiments?.length })
    await t.get('metrics/get-history', { run_id: '$r', metric_key: 'm', max_results: '١' })
    await t.get('logged-models/m-x', { allow_deleted: ['true', 'false'] })
    const big = '9'.repeat(400)
    for (const value of [
      '1',
      '"1"',
      '1.0',
      '"1.0"',
      '1e3',
      '"1e3"',
      '-1',
      '1.5',
      big,
      `"${big}"`,
      'true',
      '"0x1"',
      '[]',
      '{}',
      '""',
      'null',
      '"9223372036854775807"',
      '9223372036854775807',
      '"9223372036854775808"',
      '9223372036854775808',
    ])
      await t.send('POST', 'runs/create', undefined, {
        raw: `{"experiment_id":"$exp","run_name":"int","start_time":${value}}`,
        keep: ({ run }) => run.info.start_time,
      })
    for (const value of ['1', '"1"', '1.0', '2147483647', '2147483648', '"x"', '-2147483649', 'true', 'null'])
      await t.send('POST', 'runs/search', undefined, {
        raw: `{"experiment_ids":["$exp"],"max_results":${value}}`,
        keep: () => 'ok',
      })
    await tag(`{"run_id":"$r","key":"deep","value":"v","unknown":${'['.repeat(90)}${']'.repeat(90)}}`)
    await tag(`{"run_id":"$r","key":"long","value":"v","unknown":"${long(100_000)}"}`)
  },
}

export const wireScenarios = [forms]
