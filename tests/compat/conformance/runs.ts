import { long, type Scenario } from './scenario.ts'

const rules: Scenario = {
  name: 'runs',
  async play(t) {
    await t.experiment('$exp')
    await t.experiment('$gone')
    await t.quiet('POST', 'experiments/delete', { experiment_id: '$gone' })
    for (const body of [
      {},
      { experiment_id: '' },
      { experiment_id: 5 },
      { experiment_id: 'x' },
      { experiment_id: '999999' },
      { experiment_id: '$gone' },
      { experiment_id: '$exp', run_name: 5 },
      { experiment_id: '$exp', tags: {} },
      { experiment_id: '$exp', tags: [{ value: 'x' }] },
      { experiment_id: '$exp', tags: ['x'] },
      { experiment_id: '$exp', start_time: 'x' },
      { experiment_id: '$exp', start_time: 1.5 },
      { experiment_id: '$exp', start_time: true },
      { experiment_id: '$exp', start_time: '99999999999999999999' },
      { experiment_id: '$exp', user_id: 5 },
      { experiment_id: '$exp', run_name: 'a', tags: [{ key: 'mlflow.runName', value: 'b' }] },
      { experiment_id: '$exp', tags: [{ key: 'a//b', value: 'x' }] },
      { experiment_id: '$exp', tags: [{ key: long(251), value: 'x' }] },
      {
        experiment_id: '$exp',
        run_name: 'x',
        tags: [
          { key: 'dup', value: '1' },
          { key: 'dup', value: '2' },
        ],
      },
      { experiment_id: '$exp', run_name: 'x', tags: [{ key: 'long', value: long(8_001) }] },
      { experiment_id: '$exp', run_name: 'x', tags: [{ key: 'long', value: long(8_000) }] },
    ])
      await t.post('runs/create', body)
    await t.post('runs/create', { experiment_id: '$exp' }, { bind: '$plain' })
    await t.get('runs/get', { run_id: '$plain' })
    await t.post('runs/create', { experiment_id: '$exp', run_name: '' }, { bind: '$empty' })
    await t.post(
      'runs/create',
      { experiment_id: '$exp', tags: [{ key: 'mlflow.runName', value: 'by tag' }] },
      { bind: '$bytag' },
    )
    await t.get('runs/get', { run_id: '$bytag' })
    await t.post('runs/create', {
      experiment_id: '$exp',
      run_name: 'same',
      tags: [{ key: 'mlflow.runName', value: 'same' }],
    })
    await t.post('runs/create', { experiment_id: '$exp', run_name: '', tags: [{ key: 'mlflow.runName', value: 'b' }] })
    await t.post('runs/create', { experiment_id: '$exp', run_name: 'x', tags: [{ key: 'mlflow.runName', value: '' }] })
    await t.post(
      'runs/create',
      {
        experiment_id: '$exp',
        run_name: 'a',
        user_id: 'ada',
        start_time: 1234,
        tags: [{ key: 't', value: 'v' }, { key: 'e' }],
      },
      { bind: '$a' },
    )
    await t.get('runs/get', { run_id: '$a' })
    await t.post('runs/create', { experiment_id: '$exp', run_name: 'b', start_time: '5678' })
    await t.post('runs/create', { experiment_id: '$exp', run_name: 'neg', start_time: -5 })
    await t.post('runs/create', { experimentId: '$exp', runName: 'camel', startTime: 7, userId: 'u' })
    await t.post('runs/create', { experiment_id: '$exp', experimentId: '$exp', run_name: 'both' })
    await t.post('runs/create', { experiment_id: '$exp', run_name: 'unknown', nonsense: { deep: [1] } })
    await t.post('runs/create', { experiment_id: '$exp', run_name: long(250), start_time: 1 })
    await t.post('runs/create', { experiment_id: '$exp', run_name: 'été 日本 🎉 <b>', start_time: 1 })
    await t.post('runs/create', { experiment_id: '$exp', run_name: null, user_id: null, start_time: null, tags: null })
    for (const query of [
      {},
      { run_id: '' },
      { run_id: 'x' },
      { run_id: long(32, '0') },
      { run_uuid: '$a' },
      { run_id: '$a', run_uuid: '$plain' },
      { runId: '$a' },
      { run_id: ['$a', '$plain'] },
      { run_id: '$a', other: 'x' },
    ])
      await t.get('runs/get', query)
    await t.post('runs/get', { run_id: '$a' })
    for (const body of [
      {},
      { run_id: 'x' },
      { run_id: '$a' },
      { run_id: '$a', status: 'FINISHED' },
      { run_id: '$a', status: 'SLEEPING' },
      { run_id: '$a', status: 4 },
      { run_id: '$a', status: 99 },
      { run_id: '$a', status: '5' },
      { run_id: '$a', status: 'finished' },
      { run_id: '$a', status: 'RUNNING' },
      { run_id: '$a', end_time: 99 },
      { run_id: '$a', end_time: '100' },
      { run_id: '$a', end_time: 0 },
      { run_id: '$a', end_time: -1 },
      { run_id: '$a', end_time: 'x' },
      { run_id: '$a', run_name: '' },
      { run_id: '$a', run_name: 'renamed' },
      { run_id: '$a', run_name: 5 },
      { run_uuid: '$a', status: 'SCHEDULED' },
      { run_id: '$a', status: 'FAILED', end_time: 200, run_name: 'all' },
      { run_id: '$a', status: null, end_time: null },
    ])
      await t.post('runs/update', body)
    await t.get('runs/get', { run_id: '$a' })
    await t.post('runs/set-tag', { run_id: '$a', key: 'mlflow.runName', value: 'via tag' })
    await t.get('runs/get', { run_id: '$a' })
    await t.post('runs/log-batch', { run_id: '$a', tags: [{ key: 'mlflow.runName', value: 'via batch' }] })
    await t.get('runs/get', { run_id: '$a' })
    await t.post('runs/set-tag', { run_id: '$a', key: 'mlflow.runName', value: '' })
    await t.get('runs/get', { run_id: '$a' })
    await t.post('runs/delete-tag', { run_id: '$a', key: 'mlflow.runName' })
    await t.get('runs/get', { run_id: '$a' })
    await t.post('runs/update', { run_id: '$a', run_name: 'back' })
    for (const body of [{}, { run_id: '' }, { run_id: 'x' }, { run_id: '$a' }, { run_id: '$a' }])
      await t.post('runs/delete', body)
    await t.get('runs/get', { run_id: '$a' })
    for (const [path, body] of [
      ['runs/update', { status: 'FINISHED' }],
      ['runs/update', { run_name: 'x' }],
      ['runs/log-metric', { key: 'm', value: 1, timestamp: 1 }],
      ['runs/log-parameter', { key: 'p', value: '1' }],
      ['runs/set-tag', { key: 't', value: '1' }],
      ['runs/delete-tag', { key: 't' }],
      ['runs/log-batch', {}],
      ['runs/log-batch', { tags: [{ key: 'a', value: 'b' }] }],
      ['runs/log-inputs', { datasets: [{ dataset: { name: 'd', digest: 'x', source_type: 's', source: '{}' } }] }],
      ['runs/outputs', { models: [] }],
      ['runs/log-inputs', {}],
      [
        'runs/log-model',
        { model_json: '{"artifact_path":"m","flavors":{},"utc_time_created":"2026-01-01","run_id":"$a"}' },
      ],
    ] as const)
      await t.post(path, { run_id: '$a', ...body })
    await t.get('metrics/get-history', { run_id: '$a', metric_key: 'm' })
    await t.get('artifacts/list', { run_id: '$a' })
    for (const body of [{}, { run_id: 'x' }, { run_id: '$a' }, { run_id: '$a' }, { run_id: '$plain' }])
      await t.post('runs/restore', body)
    await t.get('runs/get', { run_id: '$a' })
    for (const [path, body] of [
      ['runs/update', { status: 'FINISHED' }],
      ['runs/log-metric', { key: 'm', value: 1, timestamp: 1 }],
      ['runs/log-parameter', { key: 'p', value: '1' }],
      ['runs/set-tag', { key: 't', value: '1' }],
      ['runs/delete-tag', { key: 't' }],
      ['runs/log-batch', {}],
      ['runs/log-inputs', {}],
      ['runs/outputs', {}],
      ['runs/delete', {}],
      ['runs/restore', {}],
    ] as const) {
      await t.post(path, { run_id: long(32, 'a'), ...body })
      await t.post(path, body)
    }
    for (const query of [
      {},
      { run_id: 'x' },
      { run_id: '$plain' },
      { run_uuid: '$plain' },
      { run_id: '$plain', path: '' },
      { run_id: '$plain', path: 'none' },
      { run_id: '$plain', path: '../x' },
      { run_id: '$plain', path: '/etc' },
      { run_id: '$plain', path: 'a/../b' },
      { run_id: '$plain', path: '%2e%2e/x' },
    ])
      await t.get('artifacts/list', query)
  },
}

export const runScenarios = [rules]
