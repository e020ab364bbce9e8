import { long, type Scenario } from './scenario.ts'

const inputs: Scenario = {
  name: 'inputs',
  async play(t) {
    await t.experiment('$exp')
    await t.experiment('$other')
    for (const run of ['$a', '$b', '$c']) await t.run(run, '$exp')
    await t.run('$z', '$other')
    await t.experiment('$scrap')
    await t.run('$bad', '$scrap')
    await t.make('$model', 'logged-models', { experiment_id: '$exp', name: 'model', source_run_id: '$a' })
    await t.make('$two', 'logged-models', { experiment_id: '$exp', name: 'two' })
    const d = (more: object = {}) => ({ name: 'd', digest: 'x', source_type: 'local', source: '{"uri":"a"}', ...more })
    const log = (run: string, datasets: unknown, more: object = {}) =>
      t.post('runs/log-inputs', { run_id: run, datasets, ...more })
    for (const datasets of [
      undefined,
      [],
      null,
      'x',
      {},
      [{}],
      [5],
      [{ dataset: {} }],
      [{ dataset: { name: 'd' } }],
      [{ dataset: { name: 'd', digest: 'x' } }],
      [{ dataset: { name: 'd', digest: 'x', source_type: 's' } }],
      [{ dataset: d({ name: '' }) }],
      [{ dataset: d({ digest: '' }) }],
      [{ dataset: d({ source_type: '' }) }],
      [{ dataset: d({ source: '' }) }],
      [{ dataset: d({ name: 5 }) }],
      [{ dataset: d({ name: long(501) }) }],
      [{ dataset: d({ digest: long(37) }) }],
      [{ dataset: d({ source: long(65_536) }) }],
      [{ dataset: d({ schema: long(1_048_576) }) }],
      [{ dataset: d(), tags: [{ key: long(256), value: 'v' }] }],
      [{ dataset: d(), tags: [{ key: 'k', value: long(501) }] }],
      [{ dataset: d(), tags: [{ key: '', value: 'v' }] }],
      [{ dataset: d(), tags: [{ value: 'v' }] }],
      [{ dataset: d(), tags: [{ key: 'k' }] }],
      [{ dataset: d(), tags: 'x' }],
      Array.from({ length: 1001 }, (_, index) => ({ dataset: d({ name: `d${index}` }) })),
    ])
      await log('$bad', datasets)

    await log('$a', [
      {
        dataset: d({ schema: '{"s":1}', profile: '{"p":1}' }),
        tags: [
          { key: 'mlflow.data.context', value: 'training' },
          { key: 'x', value: 'y' },
        ],
      },
    ])
    await log('$a', [
      {
        dataset: d({ schema: 'other', source: 'other', profile: 'other', source_type: 'other' }),
        tags: [{ key: 'mlflow.data.context', value: 'eval' }],
      },
    ])
    await t.get('runs/get', { run_id: '$a' }, { keep: ({ run }) => run.inputs })
    await log('$b', [
      { dataset: d({ schema: 'other', source: 'other' }), tags: [{ key: 'mlflow.data.context', value: 'eval' }] },
      { dataset: d({ digest: 'y' }) },
      {
        dataset: d({ name: 'longest'.padEnd(500, 'x'), digest: long(36) }),
        tags: [{ key: long(255), value: long(500) }],
      },
    ])
    await t.get('runs/get', { run_id: '$b' }, { keep: ({ run }) => run.inputs })
    await log('$c', [
      { dataset: d(), tags: [{ key: 'mlflow.data.context', value: 'one' }] },
      { dataset: d(), tags: [{ key: 'mlflow.data.context', value: 'two' }] },
      {
        dataset: d({ name: 'e' }),
        tags: [{ key: 'k', value: '1' }],
      },
    ])
    await t.get('runs/get', { run_id: '$c' }, { keep: ({ run }) => run.inputs })
    await log('$z', [
      { dataset: d({ source: 'there' }), tags: [] },
      { dataset: d({ name: 'z' }), tags: [{ key: 'mlflow.data.context', value: '' }] },
    ])
    await t.get('runs/get', { run_id: '$z' }, { keep: ({ run }) => run.inputs })
    for (const body of [{ run_id: 'x' }, {}, { run_id: '' }])
      await t.post('runs/log-inputs', { ...body, datasets: [{ dataset: d() }] })
    for (const models of [
      [{ model_id: '$model' }],
      [{ model_id: '$model' }],
      [{ model_id: '$two' }, { model_id: '$model' }],
    ])
      await t.post('runs/log-inputs', { run_id: '$b', models })
    for (const models of [[{ model_id: 'm-none' }], [{}], ['x'], [{ model_id: '' }]])
      await t.post('runs/log-inputs', { run_id: '$bad', models })
    await t.get('runs/get', { run_id: '$b' }, { keep: ({ run }) => run.inputs })
    for (const models of [[{ model_id: '$model', step: 3 }], [{ model_id: '$two' }], [], null])
      await t.post('runs/outputs', { run_id: '$b', models })
    await t.post('runs/outputs', { run_id: '$c', models: [{ model_id: '$model', step: '-9' }] })
    await t.get('runs/get', { run_id: '$c' }, { keep: ({ run }) => run.outputs })
    await t.post('runs/outputs', { run_id: '$c', models: [{ model_id: '$model', step: 5 }] })
    for (const models of [
      [{ model_id: 'm-none', step: 1 }],
      [{ step: 1 }],
      ['x'],
      [{ model_id: '$model', step: 'x' }],
      [{ model_id: '' }],
    ])
      await t.post('runs/outputs', { run_id: '$bad', models })
    await t.post('runs/outputs', {})
    await t.post('runs/outputs', { run_id: 'x', models: [{ model_id: '$model', step: 1 }] })
    await t.get('runs/get', { run_id: '$b' }, { keep: ({ run }) => run.outputs })
    await t.send('DELETE', 'logged-models/$two', {})
    await t.get('runs/get', { run_id: '$b' }, { keep: ({ run }) => [run.inputs, run.outputs] })
    const search = '/ajax-api/2.0/mlflow/experiments/search-datasets'
    const sorted = {
      keep: (json: { dataset_summaries?: object[] }) =>
        (json.dataset_summaries ?? [])
          .map((one) => JSON.stringify(one))
          .sort()
          .map((one) => JSON.parse(one)),
    }
    for (const body of [
      {},
      { experiment_ids: [] },
      { experiment_ids: ['$exp'] },
      { experiment_ids: ['$exp', '$other'] },
      { experiment_ids: '$exp' },
      { experiment_ids: ['999999'] },
      { experiment_ids: ['x'] },
      { experiment_ids: [5] },
      { experiment_ids: Array.from({ length: 20 }, () => '$other') },
      { experiment_ids: Array.from({ length: 21 }, () => '$other') },
    ])
      await t.post(search, body, sorted)
    await t.quiet('POST', 'runs/delete', { run_id: '$z' })
    await t.post(search, { experiment_ids: ['$other'] }, sorted)
    await t.get(search, { experiment_ids: '$exp' })
  },
}

const logModel: Scenario = {
  name: 'log-model',
  async play(t) {
    await t.experiment('$exp')
    for (const run of ['$a', '$b']) await t.run(run, '$exp')
    const good = {
      artifact_path: 'model',
      flavors: { python_function: {} },
      utc_time_created: '2026-01-01 00:00:00',
      run_id: '$a',
    }
    for (const model of [
      undefined,
      '',
      'x',
      '{',
      '[]',
      '5',
      'null',
      '{}',
      JSON.stringify({ ...good, flavors: undefined }),
      JSON.stringify({ ...good, artifact_path: undefined }),
      JSON.stringify({ ...good, utc_time_created: undefined }),
      JSON.stringify({ ...good, run_id: undefined }),
      JSON.stringify(good),
      JSON.stringify({ ...good, artifact_path: 'second', extra: [1] }),
    ])
      await t.post('runs/log-model', { run_id: '$a', model_json: model })
    await t.post('runs/log-model', { model_json: JSON.stringify(good) })
    await t.post('runs/log-model', { run_id: 'x', model_json: JSON.stringify(good) })
    await t.post('runs/log-model', { run_id: '$a', model_json: good })
    await t.get(
      'runs/get',
      { run_id: '$a' },
      {
        keep: ({ run }) =>
          JSON.parse(
            run.data.tags.find((tag: { key: string }) => tag.key === 'mlflow.log-model.history')?.value ?? 'null',
          ),
      },
    )
  },
}

export const inputScenarios = [inputs, logModel]
