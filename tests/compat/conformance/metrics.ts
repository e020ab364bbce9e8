import { long, type Scenario } from './scenario.ts'

const points: Scenario = {
  name: 'metrics',
  async play(t) {
    await t.experiment('$exp')
    await t.run('$r', '$exp')
    await t.run('$bad', '$exp')
    const m = (more: object, run_id = '$r') =>
      t.post('runs/log-metric', { run_id, key: 'm', value: 1, timestamp: 1, ...more })
    /** What MLflow stores of these is nothing to compare: they go to a run that nobody looks at. */
    const bad = (more: object) => m(more, '$bad')
    for (const body of [
      {},
      { run_id: '$r' },
      { run_id: '$r', key: 'm' },
      { run_id: '$r', key: 'm', value: 1 },
      { run_id: '$r', key: 'm', timestamp: 1 },
      { run_id: '$r', value: 1, timestamp: 1 },
      { key: 'm', value: 1, timestamp: 1 },
      { run_uuid: '$r', key: 'uuid', value: 1, timestamp: 1 },
      { runId: '$r', key: 'camel', value: 1, timestamp: 1 },
    ])
      await t.post('runs/log-metric', body)
    for (const key of [
      '',
      null,
      5,
      true,
      [],
      'ok',
      'a/b',
      'a b',
      'a:b',
      'a-b_c.d',
      'été',
      '日本',
      'a//b',
      './a',
      '/a',
      'a/',
      '.',
      '..',
      '../a',
      'a/../b',
      'a/./b',
      'a@b',
      'a\nb',
      'a\tb',
      'a,b',
      'a\\b',
      'a"b',
      "a'b",
      'a%b',
      '🎉',
      ' a',
      'a ',
      ' ',
      long(250),
      long(251),
      'a​b',
      '①',
      'a·b',
      '...',
      'a..b',
      '٣',
      'e\u0301',
    ])
      await m({ key })
    for (const value of [
      '1.5',
      '1e3',
      'NaN',
      'Infinity',
      '-Infinity',
      '+Infinity',
      0,
      -0,
      1e308,
      5e-324,
      1.7976931348623157e308,
      9_007_199_254_740_992,
    ])
      await m({ key: `v ${JSON.stringify(value)}`.replace(/[^\w. -]/g, '_'), value })
    for (const value of [null, '', 'x', ' 1', 'nan', 'inf', true, [], {}, '0x10', '1_0']) await bad({ key: 'v', value })
    for (const raw of ['1E5', '123456789012345678901234567890', '1.0e0'])
      await t.send('POST', 'runs/log-metric', undefined, {
        raw: `{"run_id":"$r","key":"raw","value":${raw},"timestamp":1}`,
      })
    for (const raw of ['NaN', 'Infinity', '-Infinity', '1e400', '-1e400', '1.', '.5', '01'])
      await t.send('POST', 'runs/log-metric', undefined, {
        raw: `{"run_id":"$bad","key":"raw","value":${raw},"timestamp":1}`,
      })
    for (const timestamp of [0, '5', 2.0, '9223372036854775807', 1e15]) await m({ key: 'ts', timestamp })
    for (const timestamp of [
      -1,
      '',
      'x',
      1.5,
      null,
      true,
      '9223372036854775808',
      '-9223372036854775808',
      '1.0',
      '1e3',
      ' 7',
    ])
      await bad({ key: 'ts', timestamp })
    for (const step of [0, -1, '5', 2.0, null, '9223372036854775807', '-9223372036854775808'])
      await m({ key: 'step', step })
    for (const step of ['', 'x', 1.5, true, '9223372036854775808', '-9223372036854775809', '1.0', [1]])
      await bad({ key: 'step', step })
    for (const raw of ['9223372036854775807', '9007199254740993', '1e2', '1.0e1'])
      await t.send('POST', 'runs/log-metric', undefined, {
        raw: `{"run_id":"$r","key":"big","value":1,"timestamp":1,"step":${raw}}`,
      })
    for (const more of [
      { model_id: 'm-none' },
      { model_id: '' },
      { model_id: 5 },
      { dataset_name: 'd' },
      { dataset_name: 'd', dataset_digest: 'e' },
      { dataset_digest: 'e' },
      { nonsense: 1 },
      { run_id: 'x' },
      { run_id: 5 },
    ])
      await m({ key: 'more', ...more })
    await t.get('runs/get', { run_id: '$r' })
    for (const key of ['m', 'step', 'ts', 'raw', 'big', 'more', 'none', 'v _NaN_', 'v _Infinity_', 'v _-Infinity_'])
      await t.get('metrics/get-history', { run_id: '$r', metric_key: key })
  },
}

const latest: Scenario = {
  name: 'latest',
  async play(t) {
    await t.experiment('$exp')
    await t.run('$r', '$exp')
    const log = (key: string, list: [number | string, number, number][]) =>
      t.post('runs/log-batch', {
        run_id: '$r',
        metrics: list.map(([value, timestamp, step]) => ({ key, value, timestamp, step })),
      })
    await log('by step', [
      [1, 10, 2],
      [2, 99, 1],
      [3, 5, 3],
    ])
    await log('by time', [
      [1, 10, 1],
      [2, 30, 1],
      [3, 20, 1],
    ])
    await log('by value', [
      [1, 1, 1],
      [9, 1, 1],
      [5, 1, 1],
    ])
    await log('nan low', [
      ['NaN', 1, 1],
      [5, 1, 1],
    ])
    await log('nan high', [
      [-5, 1, 1],
      ['NaN', 1, 1],
    ])
    await log('nan zero', [
      [0, 1, 1],
      ['NaN', 1, 1],
    ])
    await log('zero nan', [
      ['NaN', 1, 1],
      [0, 1, 1],
    ])
    await log('nan twice', [
      ['NaN', 1, 1],
      ['NaN', 1, 1],
    ])
    await log('inf', [
      ['Infinity', 1, 1],
      [1e308, 1, 1],
    ])
    await log('-inf', [
      ['-Infinity', 1, 1],
      [-1e308, 1, 1],
    ])
    await log('negative step', [
      [1, 1, -5],
      [2, 1, -9],
      [3, 1, 0],
    ])
    await log('same', [
      [1, 1, 1],
      [1, 1, 1],
      [1, 1, 1],
    ])
    await log('zero', [
      [0, 1, 0],
      [-0, 1, 0],
    ])
    for (const [value, timestamp, step] of [
      [1, 1, 1],
      [2, 1, 1],
      [3, 0, 1],
      [4, 9, 0],
      [5, 0, 2],
      [6, 7, 2],
      [0, 7, 2],
    ]) {
      await t.post('runs/log-metric', { run_id: '$r', key: 'one by one', value, timestamp, step })
      await t.get(
        'runs/get',
        { run_id: '$r' },
        { keep: (json) => json.run.data.metrics.filter((metric: { key: string }) => metric.key === 'one by one') },
      )
    }
    await t.get('runs/get', { run_id: '$r' })
    for (const key of [
      'by step',
      'by time',
      'by value',
      'nan low',
      'nan high',
      'nan zero',
      'nan twice',
      'inf',
      '-inf',
      'negative step',
      'same',
      'zero',
    ])
      await t.get('metrics/get-history', { run_id: '$r', metric_key: key })
  },
}

const history: Scenario = {
  name: 'history',
  async play(t) {
    await t.experiment('$exp')
    for (const run of ['$a', '$b', '$c', '$d']) await t.run(run, '$exp')
    const series = (count: number, factor = 1) =>
      Array.from({ length: count }, (_, step) => ({ key: 'm', value: step * factor, timestamp: 1_000 + step, step }))
    await t.quiet('POST', 'runs/log-batch', { run_id: '$a', metrics: series(25) })
    await t.quiet('POST', 'runs/log-batch', { run_id: '$b', metrics: series(10, -1).reverse() })
    await t.quiet('POST', 'runs/log-batch', {
      run_id: '$c',
      metrics: [3, 1, 2, 1, 1].map((step, index) => ({ key: 'm', value: index, timestamp: 50 - index, step })),
    })
    await t.quiet('POST', 'runs/log-batch', {
      run_id: '$d',
      metrics: [0, 100, 200, 300, 301, 302, 303, 304, 1000].map((step) => ({
        key: 'm',
        value: step / 2,
        timestamp: step,
        step,
      })),
    })
    const values = {
      keep: (json: { metrics?: { value: number }[]; next_page_token?: string }) => ({
        values: json.metrics?.map((point) => point.value),
        more: json.next_page_token !== undefined,
      }),
    }
    for (const query of [
      {},
      { run_id: '$a' },
      { metric_key: 'm' },
      { run_id: '$a', metric_key: '' },
      { run_id: 'x', metric_key: 'm' },
      { run_id: '$a', metric_key: 'none' },
      { run_uuid: '$a', metric_key: 'm', max_results: 2 },
    ])
      await t.get('metrics/get-history', query)
    for (const run_id of ['$a', '$b', '$c', '$d']) await t.get('metrics/get-history', { run_id, metric_key: 'm' })
    for (const max_results of [
      0,
      -1,
      1,
      24,
      25,
      26,
      25_000,
      25_001,
      50_000,
      50_001,
      2_147_483_647,
      2_147_483_648,
      'x',
      '',
      1.5,
    ])
      await t.get('metrics/get-history', { run_id: '$a', metric_key: 'm', max_results }, values)
    await t.get('metrics/get-history', { run_id: '$a', metric_key: 'm', max_results: 10 }, { ...values, token: '$two' })
    await t.get(
      'metrics/get-history',
      { run_id: '$a', metric_key: 'm', max_results: 10, page_token: '$two' },
      { ...values, token: '$three' },
    )
    await t.get('metrics/get-history', { run_id: '$a', metric_key: 'm', max_results: 10, page_token: '$three' }, values)
    await t.get(
      'metrics/get-history',
      { run_id: '$a', metric_key: 'm', max_results: 10, page_token: 'garbage' },
      values,
    )
    await t.get('metrics/get-history', { run_id: '$a', metric_key: 'm', page_token: 'garbage' }, values)
    await t.get('metrics/get-history', { run_id: '$a', metric_key: 'm', page_token: '$two' }, values)
    const interval = 'metrics/get-history-bulk-interval'
    for (const query of [
      {},
      { run_ids: '$a' },
      { metric_key: 'm' },
      { run_ids: '$a', metric_key: 'm', max_results: 5 },
      { run_ids: '$a', metric_key: 'm', max_results: 1 },
      { run_ids: '$a', metric_key: 'm', max_results: 2 },
      { run_ids: '$a', metric_key: 'm', max_results: 3 },
      { run_ids: '$a', metric_key: 'm', max_results: 24 },
      { run_ids: '$a', metric_key: 'm', max_results: 25 },
      { run_ids: '$a', metric_key: 'm' },
      { run_ids: ['$a', '$b'], metric_key: 'm', max_results: 4 },
      { run_ids: ['$a', '$d'], metric_key: 'm', max_results: 5 },
      { run_ids: ['$c'], metric_key: 'm', max_results: 2 },
      { run_ids: ['$c'], metric_key: 'm', max_results: 1 },
      { run_ids: ['$d'], metric_key: 'm', max_results: 3 },
      { run_ids: ['$a', '$a'], metric_key: 'm', max_results: 3 },
      { run_ids: ['$a', 'none'], metric_key: 'm', max_results: 3 },
      { run_ids: 'none', metric_key: 'm' },
      { run_ids: '$a', metric_key: 'none' },
      { run_ids: '$a', metric_key: 'm', start_step: 5, end_step: 10 },
      { run_ids: '$a', metric_key: 'm', start_step: 5, end_step: 20, max_results: 4 },
      { run_ids: '$a', metric_key: 'm', start_step: 5 },
      { run_ids: '$a', metric_key: 'm', end_step: 5 },
      { run_ids: '$a', metric_key: 'm', start_step: 5, end_step: 4 },
      { run_ids: '$a', metric_key: 'm', start_step: 5, end_step: 5 },
      { run_ids: '$a', metric_key: 'm', start_step: 100, end_step: 200 },
      { run_ids: '$a', metric_key: 'm', start_step: -5, end_step: 2 },
      { run_ids: ['$a', '$d'], metric_key: 'm', start_step: 0, end_step: 304, max_results: 4 },
      { run_ids: '$a', metric_key: 'm', max_results: 0 },
      { run_ids: '$a', metric_key: 'm', max_results: -1 },
      { run_ids: '$a', metric_key: 'm', max_results: 2_500 },
      { run_ids: '$a', metric_key: 'm', max_results: 2_501 },
      { run_ids: '$a', metric_key: 'm', max_results: 'x' },
      { run_ids: '$a', metric_key: 'm', start_step: 'x', end_step: 5 },
      { run_ids: Array.from({ length: 100 }, () => '$a'), metric_key: 'm', max_results: 2 },
      { run_ids: Array.from({ length: 101 }, () => '$a'), metric_key: 'm', max_results: 2 },
    ])
      await t.get(interval, query, {
        keep: (json) =>
          (json.metrics ?? []).map((point: { run_id: string; step: number; value: number }) =>
            [point.run_id, point.step, point.value].join(' '),
          ),
      })
    await t.get(`/ajax-api/2.0/mlflow/${interval}`, { run_ids: '$c', metric_key: 'm', max_results: 3 })
    const bulk = '/ajax-api/2.0/mlflow/metrics/get-history-bulk'
    // In the order of the runs' ids, which are random.
    for (const query of [
      {},
      { run_id: '$a' },
      { metric_key: 'm' },
      { run_id: '$c', metric_key: 'm' },
      { run_id: ['$c', '$b'], metric_key: 'm' },
      { run_id: '$a', metric_key: 'm', max_results: 3 },
      { run_id: '$a', metric_key: 'm', max_results: 0 },
      { run_id: '$a', metric_key: 'm', max_results: -1 },
      { run_id: '$a', metric_key: 'm', max_results: 30_000 },
      { run_id: '$a', metric_key: 'm', max_results: 'x' },
      { run_id: 'none', metric_key: 'm' },
      { run_id: ['$c', 'none'], metric_key: 'm' },
      { run_id: '$c', metric_key: 'none' },
      { run_ids: '$a', metric_key: 'm' },
      { run_id: Array.from({ length: 101 }, () => '$c'), metric_key: 'm' },
      { run_id: Array.from({ length: 100 }, () => 'none'), metric_key: 'm' },
    ])
      await t.get(bulk, query, { keep: (json) => ({ data: { metrics: json.metrics } }) })
    await t.get('metrics/get-history-bulk', { run_id: '$c', metric_key: 'm' })
  },
}

const batch: Scenario = {
  name: 'log-batch',
  async play(t) {
    await t.experiment('$exp')
    for (const run of ['$r', '$s', '$u', '$w', '$bad']) await t.run(run, '$exp')
    const metrics = (count: number) =>
      Array.from({ length: count }, (_, index) => ({ key: `m${index}`, value: index, timestamp: 1, step: 0 }))
    const pairs = (count: number, letter = 'k') =>
      Array.from({ length: count }, (_, index) => ({ key: `${letter}${index}`, value: `${index}` }))
    const log = (body: object) => t.post('runs/log-batch', { run_id: '$r', ...body })
    for (const body of [
      {},
      { metrics: [], params: [], tags: [] },
      { metrics: null },
      { metrics: {} },
      { metrics: 'x' },
      { metrics: [{}] },
      { metrics: [5] },
      { metrics: [{ key: 'm' }] },
      { metrics: [{ key: 'm', value: 1 }] },
      { metrics: [{ key: 'm', timestamp: 1 }] },
      { metrics: [{ value: 1, timestamp: 1 }] },
      { metrics: [{ key: '', value: 1, timestamp: 1 }] },
      {
        metrics: [
          { key: 'ok', value: 1, timestamp: 1 },
          { key: 'a//b', value: 1, timestamp: 1 },
        ],
      },
      { metrics: [{ key: 'ok', value: 1, timestamp: -1 }] },
      {
        metrics: [
          { key: 'ok', value: 1, timestamp: 1 },
          { key: 'ok', value: 1, timestamp: -1 },
        ],
      },
      { params: [{}] },
      { params: [{ key: 'p' }] },
      { params: [{ value: 'x' }] },
      { params: [{ key: 'a@b', value: '5' }] },
      { params: 'x' },
      { tags: [{}] },
      { tags: [{ key: 't' }] },
      { tags: [{ value: 'x' }] },
      { tags: [{ key: '../t', value: '5' }] },
      {
        params: [
          { key: 'dup', value: '1' },
          { key: 'dup', value: '1' },
        ],
      },
      {
        params: [
          { key: 'dup', value: '1' },
          { key: 'dup', value: '2' },
        ],
      },
      {
        tags: [
          { key: 'dup', value: '1' },
          { key: 'dup', value: '2' },
        ],
      },
      {
        metrics: [
          { key: 'dup', value: 1, timestamp: 1 },
          { key: 'dup', value: 1, timestamp: 1 },
          { key: 'dup', value: 2, timestamp: 1 },
        ],
      },
    ])
      await log(body)
    for (const body of [
      {
        metrics: [
          { key: 'ok', value: 1, timestamp: 1 },
          { key: 'n', value: 'x', timestamp: 1 },
        ],
      },
      { params: [{ key: 'p', value: 5 }] },
      { tags: [{ key: 't', value: 5 }] },
    ])
      await t.post('runs/log-batch', { run_id: '$bad', ...body })
    await t.get('runs/get', { run_id: '$r' })
    for (const body of [
      { metrics: metrics(1000) },
      { metrics: metrics(1001) },
      { params: pairs(100) },
      { params: pairs(101) },
      { tags: pairs(100) },
      { tags: pairs(101) },
      { metrics: metrics(800), params: pairs(100), tags: pairs(100) },
      { metrics: metrics(801), params: pairs(100), tags: pairs(100) },
      { metrics: metrics(1000), params: pairs(1) },
    ])
      await t.post('runs/log-batch', { run_id: '$s', ...body })
    await t.get(
      'runs/get',
      { run_id: '$s' },
      { keep: ({ run }) => [run.data.metrics?.length, run.data.params?.length, run.data.tags?.length] },
    )
    const short = (value: string) => (value.length > 40 ? `${value.slice(0, 3)}…${value.length}` : value)
    const brief = {
      keep: ({ run }: { run: { data: Record<string, { key: string; value: string }[] | undefined> } }) => ({
        params: run.data.params?.map(({ key, value }) => `${short(key)}=${short(value)}`),
        metrics: run.data.metrics?.map(({ key, value }) => `${key}=${value}`),
        tags: run.data.tags?.map(({ key, value }) => `${short(key)}=${short(value)}`),
      }),
    }
    const u = (body: object) => t.post('runs/log-batch', { run_id: '$u', ...body })
    await u({
      params: [{ key: 'p', value: '1' }],
      tags: [{ key: 't', value: '1' }],
      metrics: [{ key: 'm', value: 1, timestamp: 1 }],
    })
    await u({
      params: [
        { key: 'new', value: 'x' },
        { key: 'p', value: '2' },
      ],
      tags: [{ key: 't', value: '2' }],
      metrics: [{ key: 'm', value: 2, timestamp: 2 }],
    })
    await u({
      params: [
        { key: 'p', value: '1' },
        { key: 'q', value: '' },
      ],
      tags: [{ key: 't', value: '3' }],
    })
    await u({ params: [{ key: 'fine', value: 'x' }], metrics: [{ key: 'a//b', value: 2, timestamp: 2 }] })
    await u({ params: [{ key: 'long', value: long(6000) }] })
    await u({ params: [{ key: 'longer', value: long(6001) }] })
    await u({ params: [{ key: long(250), value: '1' }] })
    await u({ params: [{ key: long(251), value: '1' }] })
    await u({
      tags: [
        { key: 'long', value: long(8000) },
        { key: 'longer', value: long(8001) },
      ],
    })
    await u({ tags: [{ key: long(250), value: '1' }] })
    await u({ tags: [{ key: long(251), value: '1' }] })
    await u({ metrics: [{ key: long(250), value: 1, timestamp: 1 }] })
    await u({ metrics: [{ key: long(251), value: 1, timestamp: 1 }] })
    await t.get('runs/get', { run_id: '$u' }, brief)
    const p = (more: object) => t.post('runs/log-parameter', { run_id: '$w', key: 'p', value: '1', ...more })
    for (const more of [
      {},
      {},
      { value: '2' },
      { key: 'e', value: '' },
      { key: 'e' },
      { key: 'n', value: null },
      { key: 'n', value: 5 },
      { key: 'n', value: true },
      { key: '' },
      { key: null },
      { key: 5 },
      { key: 'a//b' },
      { key: 'a@b' },
      { key: long(250) },
      { key: long(251) },
      { key: 'long', value: long(6000) },
      { key: 'longer', value: long(6001) },
      { key: 'longer', value: long(6002) },
      { key: 'longer', value: `${long(6000)}y` },
      { key: 'uni', value: 'été 日本 🎉' },
      { key: 'emoji', value: long(6001, '🎉') },
      { key: 'nl', value: 'a\nb' },
      { run_id: 'x' },
    ])
      await p(more)
    const tag = (more: object) => t.post('runs/set-tag', { run_id: '$w', key: 't', value: '1', ...more })
    for (const more of [
      {},
      { value: '2' },
      { key: 'e', value: '' },
      { key: 'n', value: null },
      { key: 'n', value: 5 },
      { key: '' },
      { key: 5 },
      { key: 'a//b' },
      { key: 'a@b' },
      { key: long(250) },
      { key: long(251) },
      { key: 'long', value: long(8000) },
      { key: 'longer', value: long(8001) },
      { key: 'mlflow.note.content', value: 'note' },
      { key: 'mlflow.user', value: 'ada' },
      { key: 'mlflow.source.name', value: 'train.py' },
      { key: 'mlflow.parentRunId', value: 'x' },
      { run_id: 'x' },
    ])
      await tag(more)
    for (const more of [{}, { key: 'none' }, { key: 't' }, { key: 't' }, { key: '' }, { key: 5 }, { key: 'a//b' }])
      await t.post('runs/delete-tag', { run_id: '$w', ...more })
    await t.get('runs/get', { run_id: '$w' }, brief)
    await t.get('runs/get', { run_id: '$w' }, { keep: ({ run }) => run.info })
  },
}

export const metricScenarios = [points, latest, history, batch]
