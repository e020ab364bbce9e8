import { long, type Scenario } from './scenario.ts'

const models: Scenario = {
  name: 'registry',
  async play(t) {
    const n = (text: string) => t.name(text)
    for (const body of [
      {},
      { name: '' },
      { name: ' ' },
      { name: 5 },
      { name: null },
      { name: 'a/b' },
      { name: 'a:b' },
      { name: '.' },
      { name: '..' },
      { name: '...' },
      { name: '..a' },
      { name: '.a' },
      { name: n('x'), tags: [{}] },
      { name: n('x'), tags: [{ value: 'x' }] },
      { name: n('x'), tags: 'x' },
      { name: n('x'), tags: [{ key: 'a//b', value: 'x' }] },
      { name: n('x'), tags: [{ key: 'a@b', value: 'x' }] },
      { name: n('x'), tags: [{ key: long(251), value: 'x' }] },
      { name: n('x'), tags: [{ key: 'k', value: long(100_001) }] },
      { name: n('x'), description: 5 },
    ])
      await t.post('registered-models/create', body)
    await t.post('registered-models/create', { name: n('m') })
    await t.post('registered-models/create', { name: n('m') })
    await t.post('registered-models/create', {
      name: n('full'),
      description: 'said',
      tags: [{ key: 'k', value: 'v' }, { key: 'e' }, { key: 'k', value: 'w' }],
    })
    await t.post('registered-models/create', { name: n('empty'), description: '' })
    await t.post('registered-models/create', { name: n('odd é日本🎉 <b>"\\') })
    await t.post('registered-models/create', { name: ` ${n('spaced')} ` })
    await t.post('registered-models/create', { name: n(long(256 - n('').length)) })
    await t.post('registered-models/create', { name: n(long(257 - n('').length)) })
    for (const name of [undefined, '', n('none'), n('m'), n('M'), n('full'), 'a/b', n('odd é日本🎉 <b>"\\')])
      await t.get('registered-models/get', { name })
    for (const body of [
      {},
      { name: n('m') },
      { name: n('m'), description: 'new' },
      { name: n('m'), description: '' },
      { name: n('m'), description: null },
      { name: n('none'), description: 'x' },
      { name: n('m'), description: 5 },
      { name: 'a/b', description: 'x' },
      { name: n('m'), description: long(5_000) },
      { name: n('m'), description: 'said' },
    ])
      await t.send('PATCH', 'registered-models/update', body)
    for (const body of [
      {},
      { name: n('m') },
      { name: n('m'), key: 'k' },
      { name: n('m'), key: 'k', value: '' },
      { name: n('m'), key: 'k', value: 'v' },
      { name: n('m'), key: 'k', value: 'w' },
      { name: n('m'), key: '', value: 'v' },
      { name: n('m'), key: 'a//b', value: 'v' },
      { name: n('m'), key: 'a@b', value: 'v' },
      { name: n('m'), key: long(250), value: 'v' },
      { name: n('m'), key: long(251), value: 'v' },
      { name: n('m'), key: 'big', value: long(100_000) },
      { name: n('m'), key: 'big', value: long(100_001) },
      { name: n('none'), key: 'k', value: 'v' },
      { key: 'k', value: 'v' },
      { name: n('m'), key: 5, value: 'v' },
      { name: n('m'), key: 'k', value: 5 },
    ])
      await t.post('registered-models/set-tag', body)
    const brief = {
      keep: ({
        registered_model: model,
      }: {
        registered_model: Record<string, unknown> & { tags?: { key: string; value: string }[] }
      }) => ({ ...model, tags: model.tags?.map(({ key, value }) => `${key.slice(0, 9)}=${value.slice(0, 9)}`) }),
    }
    await t.get('registered-models/get', { name: n('m') }, brief)
    for (const body of [
      {},
      { name: n('m') },
      { name: n('m'), key: 'none' },
      { name: n('m'), key: 'k' },
      { name: n('m'), key: 'k' },
      { name: n('none'), key: 'k' },
      { name: n('m'), key: '' },
      { name: n('m'), key: 'a//b' },
      { key: 'k' },
      { name: n('m'), key: long(251) },
    ])
      await t.send('DELETE', 'registered-models/delete-tag', body)
    for (const body of [
      {},
      { name: n('m') },
      { new_name: n('y') },
      { name: n('m'), new_name: '' },
      { name: n('m'), new_name: 'a/b' },
      { name: n('m'), new_name: ' ' },
      { name: n('m'), new_name: n('full') },
      { name: n('none'), new_name: n('y') },
      { name: n('m'), new_name: n('m') },
      { name: n('m'), new_name: 5 },
    ])
      await t.post('registered-models/rename', body)
    const version = (more: object = {}) =>
      t.post('model-versions/create', { name: n('m'), source: 's3://b/m', ...more })
    for (const more of [
      {},
      { description: 'said', run_link: 'http://x/y', tags: [{ key: 'k', value: 'v' }, { key: 'e' }] },
      { name: n('none') },
      { name: undefined },
      { source: undefined },
      { source: '' },
      { source: 5 },
      { tags: [{}] },
      { tags: [{ key: 'a//b', value: 'x' }] },
      { tags: [{ key: long(251), value: 'x' }] },
      { tags: [{ key: 'k', value: long(100_000) }] },
      { tags: [{ key: 'k', value: long(100_001) }] },
      { name: 'a/b' },
      { run_id: 5 },
      { run_id: '' },
      { run_id: null, model_id: null },
      { description: null },
      { run_id: 'unknown' },
      { run_link: 5 },
      { model_id: 'm-none' },
    ])
      await t.post(
        'model-versions/create',
        { name: n('m'), source: 's3://b/m', ...more },
        {
          keep: ({ model_version: made }) => ({
            ...made,
            tags: made.tags?.map(
              (tag: { key: string; value?: string }) => `${tag.key}=${(tag.value ?? '').slice(0, 9)}`,
            ),
          }),
        },
      )
    await t.get('registered-models/get', { name: n('m') }, brief)
    for (const query of [
      {},
      { name: n('m') },
      { version: 1 },
      { name: n('m'), version: 1 },
      { name: n('m'), version: '01' },
      { name: n('m'), version: 99 },
      { name: n('m'), version: 'x' },
      { name: n('m'), version: '' },
      { name: n('m'), version: '1.0' },
      { name: n('m'), version: -1 },
      { name: n('m'), version: 0 },
      { name: n('m'), version: '99999999999999999999' },
      { name: n('m'), version: ' 1' },
      { name: n('m'), version: '+1' },
      { name: n('none'), version: 1 },
      { name: 'a/b', version: 1 },
      { name: n('m'), version: '1_0' },
    ]) {
      await t.get('model-versions/get', query, { keep: ({ model_version: found }) => found.version })
      await t.get('model-versions/get-download-uri', query)
    }
    await t.get('model-versions/get', { name: n('m'), version: 2 })
    for (const body of [
      {},
      { name: n('m'), version: '1' },
      { name: n('m'), version: 1, description: 'by number' },
      { name: n('m'), version: '1', description: 'new' },
      { name: n('m'), version: '1', description: '' },
      { name: n('m'), version: '99', description: 'x' },
      { name: n('m'), version: 'x', description: 'x' },
      { name: n('none'), version: '1', description: 'x' },
      { name: n('m'), description: 'x' },
      { name: n('m'), version: '1', description: 5 },
    ])
      await t.send('PATCH', 'model-versions/update', body)
    for (const body of [
      {},
      { name: n('m'), version: '1' },
      { name: n('m'), version: '1', key: 'k' },
      { name: n('m'), version: '1', key: 'k', value: 'v' },
      { name: n('m'), version: '1', key: 'e', value: '' },
      { name: n('m'), version: '1', key: 'a//b', value: 'v' },
      { name: n('m'), version: '1', key: long(250), value: 'v' },
      { name: n('m'), version: '1', key: long(251), value: 'v' },
      { name: n('m'), version: '1', key: 'big', value: long(100_001) },
      { name: n('m'), version: '99', key: 'k', value: 'v' },
      { name: n('m'), version: 'x', key: 'k', value: 'v' },
      { name: n('none'), version: '1', key: 'k', value: 'v' },
      { name: n('m'), version: '1', key: '', value: 'v' },
      { name: n('m'), key: 'k', value: 'v' },
    ])
      await t.post('model-versions/set-tag', body)
    for (const body of [
      {},
      { name: n('m'), version: '1' },
      { name: n('m'), version: '1', key: 'none' },
      { name: n('m'), version: '1', key: 'k' },
      { name: n('m'), version: '99', key: 'k' },
      { name: n('m'), version: 'x', key: 'k' },
      { name: n('m'), version: '1', key: 'a//b' },
      { name: n('none'), version: '1', key: 'k' },
    ])
      await t.send('DELETE', 'model-versions/delete-tag', body)
    await t.get(
      'model-versions/get',
      { name: n('m'), version: 1 },
      {
        keep: ({ model_version: found }) =>
          found.tags.map((tag: { key: string; value: string }) => `${tag.key.slice(0, 9)}=${tag.value}`).sort(),
      },
    )
    await t.send('DELETE', 'model-versions/delete', { name: n('m'), version: '2' })
    for (const body of [
      {},
      { name: n('m'), version: '2' },
      { name: n('m'), version: 'x' },
      { name: n('none'), version: '1' },
      { name: n('m') },
    ])
      await t.send('DELETE', 'model-versions/delete', body)
    for (let made = 0; made < 2; made++) await version()
    const last = await t.quiet('POST', 'model-versions/create', { name: n('m'), source: 's3://b/m' })
    await t.quiet('DELETE', 'model-versions/delete', { name: n('m'), version: last.json.model_version.version })
    await version()
    await t.post('registered-models/rename', { name: n('m'), new_name: n('renamed') })
    await t.get('model-versions/get', { name: n('renamed'), version: 1 })
    await t.get('model-versions/get', { name: n('m'), version: 1 })
    await t.get('registered-models/get', { name: n('renamed') }, brief)
    for (const body of [
      {},
      { name: '' },
      { name: n('none') },
      { name: 'a/b' },
      { name: n('renamed') },
      { name: n('renamed') },
    ])
      await t.send('DELETE', 'registered-models/delete', body)
    await t.get('model-versions/get', { name: n('renamed'), version: 1 })
    await t.post('registered-models/create', { name: n('renamed') })
    await t.post('model-versions/create', { name: n('renamed'), source: 's3://b/again' })
  },
}

const stages: Scenario = {
  name: 'stages',
  async play(t) {
    const name = t.name('m')
    await t.quiet('POST', 'registered-models/create', { name })
    for (let version = 0; version < 5; version++)
      await t.quiet('POST', 'model-versions/create', { name, source: `s3://b/${version}` })
    const move = (body: object) =>
      t.post(
        'model-versions/transition-stage',
        { name, version: '1', stage: 'Staging', ...body },
        { keep: ({ model_version: moved }) => [moved.version, moved.current_stage] },
      )
    const latest = async () => {
      await t.post(
        'registered-models/get-latest-versions',
        { name },
        {
          keep: (json) =>
            (json.model_versions ?? [])
              .map((one: Record<string, unknown>) => `${one.current_stage} ${one.version}`)
              .sort(),
        },
      )
    }
    for (const body of [
      { name: undefined },
      { version: undefined },
      { stage: undefined },
      { stage: '' },
      { stage: 'x' },
      { stage: 5 },
      { version: 'x' },
      { version: '99' },
      { name: t.name('none') },
      { stage: 'staging' },
      { version: '2', stage: 'PRODUCTION' },
      { version: '3', stage: 'Staging' },
    ])
      await move(body)
    await latest()
    for (const body of [
      { version: '4', stage: 'Staging', archive_existing_versions: true },
      { version: '5', stage: 'None', archive_existing_versions: true },
      { version: '5', stage: 'Archived', archive_existing_versions: true },
      { version: '5', stage: 'archived', archive_existing_versions: false },
      { version: '4', stage: 'Staging', archive_existing_versions: 'true' },
      { version: '4', stage: 'Staging', archive_existing_versions: 'x' },
      { version: '4', stage: 'Staging', archive_existing_versions: 1 },
      { version: '2', stage: 'Production', archive_existing_versions: true },
      { version: '1', stage: 'none' },
    ])
      await move(body)
    await latest()
    for (const version of [1, 2, 3, 4, 5])
      await t.get('model-versions/get', { name, version }, { keep: ({ model_version: found }) => found.current_stage })
    for (const stage of [
      ['Staging'],
      ['production', 'Archived'],
      ['None'],
      ['x'],
      [],
      'Staging',
      ['Staging', 'staging'],
      [5],
      [''],
    ])
      await t.post(
        'registered-models/get-latest-versions',
        { name, stages: stage },
        { keep: (json) => (json.model_versions ?? []).map((one: { version: string }) => one.version).sort() },
      )
    await t.get(
      'registered-models/get-latest-versions',
      { name, stages: ['Staging', 'Production'] },
      { keep: (json) => (json.model_versions ?? []).map((one: { version: string }) => one.version).sort() },
    )
    await t.get('registered-models/get-latest-versions', { name, stages: 'Archived' })
    for (const body of [{}, { name: t.name('none') }, { name: '' }])
      await t.post('registered-models/get-latest-versions', body)
    await t.get('registered-models/get', { name })
  },
}

const aliases: Scenario = {
  name: 'aliases',
  async play(t) {
    const name = t.name('m')
    await t.quiet('POST', 'registered-models/create', { name })
    await t.quiet('POST', 'registered-models/create', { name: t.name('bare') })
    for (let version = 0; version < 3; version++)
      await t.quiet('POST', 'model-versions/create', { name, source: `s3://b/${version}` })
    const set = (body: object) => t.post('registered-models/alias', { name, alias: 'a', version: '1', ...body })
    for (const body of [
      { name: undefined },
      { alias: undefined },
      { version: undefined },
      { alias: '' },
      { alias: 'latest' },
      { alias: 'LATEST' },
      { alias: 'v1' },
      { alias: 'V22' },
      { alias: 'v' },
      { alias: 'v1a' },
      { alias: 'a b' },
      { alias: 'a.b' },
      { alias: 'a/b' },
      { alias: 'a:b' },
      { alias: 'été' },
      { alias: 'a_b-c' },
      { alias: '1' },
      { alias: long(255) },
      { alias: long(256) },
      { alias: 5 },
      { version: '99' },
      { version: 'x' },
      { version: 1 },
      { name: t.name('none') },
      { name: 'a/b' },
      { alias: 'v1\n' },
      { alias: '-' },
    ])
      await set(body)
    await set({})
    await set({ version: '2' })
    await set({ alias: 'A', version: '3' })
    await t.get(
      'registered-models/get',
      { name },
      {
        keep: ({ registered_model: model }) =>
          model.aliases
            .map((one: { alias: string; version: string }) => `${one.alias.slice(0, 9)}=${one.version}`)
            .sort(),
      },
    )
    await t.get('model-versions/get', { name, version: 2 })
    for (const query of [
      {},
      { name },
      { alias: 'a' },
      { name, alias: 'a' },
      { name, alias: 'A' },
      { name, alias: 'none' },
      { name, alias: 'latest' },
      { name, alias: 'Latest' },
      { name, alias: 'a b' },
      { name, alias: '' },
      { name: t.name('none'), alias: 'a' },
      { name: t.name('bare'), alias: 'latest' },
      { name: t.name('bare'), alias: 'a' },
      { name, alias: 'v1' },
      { name, alias: long(256) },
      { name: 'a/b', alias: 'a' },
    ])
      await t.get('registered-models/alias', query, { keep: ({ model_version: found }) => found.version })
    await t.get('registered-models/alias', { name, alias: 'a' })
    for (const body of [
      {},
      { name },
      { name, alias: 'none' },
      { name, alias: 'a' },
      { name, alias: 'a' },
      { name, alias: 'a b' },
      { name, alias: '' },
      { name: t.name('none'), alias: 'a' },
      { alias: 'a' },
      { name, alias: 'latest' },
      { name, alias: 'v1' },
      { name, alias: long(256) },
    ])
      await t.send('DELETE', 'registered-models/alias', body)
    await t.send('DELETE', 'model-versions/delete', { name, version: '3' })
    await t.get('registered-models/alias', { name, alias: 'A' })
    await t.get(
      'registered-models/alias',
      { name, alias: 'latest' },
      { keep: ({ model_version: found }) => found.version },
    )
    await t.get(
      'registered-models/get',
      { name },
      {
        keep: ({ registered_model: model }) =>
          model.aliases.map((one: { alias: string }) => one.alias.slice(0, 9)).sort(),
      },
    )
  },
}

const sources: Scenario = {
  name: 'sources',
  async play(t) {
    const name = t.name('m')
    const other = t.name('other')
    for (const model of [name, other]) await t.quiet('POST', 'registered-models/create', { name: model })
    await t.experiment('$exp')
    await t.run('$r', '$exp')
    await t.run('$x', '$exp')
    await t.make('$lm', 'logged-models', { experiment_id: '$exp', name: 'model', source_run_id: '$r' })
    await t.make('$free', 'logged-models', { experiment_id: '$exp', name: 'free' })
    await t.quiet('PATCH', 'logged-models/$lm', { model_id: '$lm', status: 'LOGGED_MODEL_READY' })
    await t.quiet('POST', 'model-versions/create', { name: other, source: 's3://b/one', run_id: '$r' })
    await t.quiet('POST', 'registered-models/alias', { name: other, alias: 'champ', version: '1' })
    await t.quiet('POST', 'model-versions/create', { name: other, source: 'models:/$lm', model_id: '$lm' })
    const root = 'mlflow-artifacts:/$exp'
    const made = {
      keep: ({ model_version: version }: { model_version: Record<string, string> }) => [
        version.source,
        version.run_id,
        version.model_id ?? null,
      ],
    }
    const make = (source: string, more: object = {}) => t.post('model-versions/create', { name, source, ...more }, made)
    for (const source of [
      '/etc/passwd',
      'etc/passwd',
      './x',
      '../x',
      'file:///etc/passwd',
      'file:/etc',
      'FILE:///etc',
      'file://host/etc',
      'C:\\x',
      '\\\\host\\share',
      'x',
      ' ',
      's3://b/../x',
      's3://b/%2e%2e/x',
      's3://b/x#f',
      's3://b/x?y=1',
      's3://b/x;p',
      'gs://b/m',
      'dbfs:/x',
      'wasbs://c@a/x',
      'hdfs://x/y',
      'http://host/x',
      'https://host/x?y=../z',
      'ftp://h/x',
      'unknown://x',
      'S3://B/x',
      'abfss://x',
      'runs:/',
      'runs:/$r',
      'runs:/$r/',
      'runs:/none/model',
      'models:/',
      'models:/none',
      'models:/none/1',
      'models:/none@a',
      'dummy-source',
      'prompt-template',
      'mlflow-artifacts:',
      'mlflow-artifacts:/',
      'mlflow-artifacts:///',
      'mlflow-artifacts://host/x',
    ])
      await make(source)
    for (const source of [
      'runs:/$r/model',
      'runs:/$r/a/b',
      'runs:/$r/../x',
      'runs:/$r/%2e%2e/x',
      'runs:/$x/model',
      `${root}/$r/artifacts`,
      `${root}/$r/artifacts/`,
      `${root}/$r/artifacts/model`,
      `${root}/$r/artifacts/../model`,
      `${root}/$r/artifacts/%2e%2e/model`,
      `${root}/$r/artifacts/%252e%252e/model`,
      `${root}/$r`,
      `${root}/$x/artifacts/model`,
      `${root}/$r/artifactsx`,
      `mlflow-artifacts://localhost/$exp/$r/artifacts/model`,
      `mlflow-artifacts:///$exp/$r/artifacts/model`,
      `MLFLOW-ARTIFACTS:/$exp/$r/artifacts/model`,
      `${root}/$r/artifacts/model#x`,
      `${root}/$r/artifacts/model?x=1`,
      `http://host/api/2.0/mlflow-artifacts/artifacts/$exp/$r/artifacts/model`,
      `http://host/api/2.0/mlflow-artifacts/artifacts/$exp/$x/artifacts/model`,
      `https://host/pre/fix/api/2.0/mlflow-artifacts/artifacts/$exp/$r/artifacts/model`,
      `http://host/api/2.0/mlflow-artifacts/artifacts/$exp/$r/artifacts/%2e%2e/%2e%2e/x`,
    ]) {
      await make(source, { run_id: '$r' })
      await make(source)
    }
    for (const [source, more] of [
      ['models:/$lm', {}],
      ['models:/$lm', { model_id: '$lm' }],
      ['models:/$lm', { model_id: '$free' }],
      ['models:/$lm', { run_id: '$r' }],
      ['models:/$lm', { run_id: '$x', model_id: '$lm' }],
      ['models:/$free', { model_id: '$free' }],
      ['models:/$free', { model_id: '$free', run_id: '$r' }],
      ['models:/m-00000000000000000000000000000000', { model_id: 'm-00000000000000000000000000000000' }],
      ['models:/$lm/', { model_id: '$lm' }],
      ['models:/$lm/x', { model_id: '$lm' }],
      [`${root}/models/$lm/artifacts`, { model_id: '$lm' }],
      [`${root}/models/$lm/artifacts/`, { model_id: '$lm' }],
      [`${root}/models/$lm/artifacts/sub`, { model_id: '$lm' }],
      [`${root}/models/$lm/artifacts`, { model_id: '$free' }],
      [`${root}/models/$lm/artifacts`, {}],
      [`${root}/models/$lm/artifacts`, { run_id: '$r' }],
      [`${root}/models/$lm`, { model_id: '$lm' }],
      ['runs:/$r/model', { model_id: '$lm' }],
      ['runs:/$r/model', { run_id: '$r', model_id: '$lm' }],
      [`${root}/$r/artifacts/model`, { run_id: '$r', model_id: '$lm' }],
      [`${root}/models/$lm/artifacts`, { run_id: '$r', model_id: '$lm' }],
      ['s3://b/m', { model_id: '$lm' }],
      ['s3://b/m', { run_id: '$r', model_id: '$lm' }],
      ['s3://b/m', { run_id: '$r' }],
      ['s3://b/m', { run_id: 'none' }],
      [`models:/${other}/1`, {}],
      [`models:/${other}/1`, { run_id: '$r' }],
      [`models:/${other}/1`, { run_id: '$x' }],
      [`models:/${other}/2`, {}],
      [`models:/${other}/2`, { model_id: '$lm' }],
      [`models:/${other}/2`, { model_id: '$free' }],
      [`models:/${other}/99`, {}],
      [`models:/${other}@champ`, {}],
      [`models:/${other}@none`, {}],
      [`models:/${other}/latest`, {}],
      [`models:/${other}/Latest`, {}],
      [`models:/${other}/Production`, {}],
      [`models:/${other}/None`, {}],
      [`models:/${other}/x`, {}],
      [`models:/${other}`, {}],
      [`models:/${other}/1/x`, {}],
      [`models://x/${other}/1`, {}],
      [`models:/${other}/../1`, {}],
    ] as const)
      await make(source, more)
    await t.get(
      'logged-models/$lm',
      {},
      { keep: ({ model }) => (model.info.tags ?? []).map((tag: { key: string }) => tag.key) },
    )
    await t.get(
      'model-versions/search',
      { filter: `name = '${name}'` },
      {
        keep: (json) =>
          json.model_versions
            .map((one: Record<string, string>) => [one.source, one.run_id, one.model_id ?? ''].join(' | '))
            .slice(0, 5),
      },
    )
    const uri = t.name('uri')
    await t.quiet('POST', 'registered-models/create', { name: uri })
    for (const [index, [source, more]] of (
      [
        ['s3://b/m', {}],
        ['runs:/$r/a/b', { run_id: '$r' }],
        [`${root}/$r/artifacts/model`, { run_id: '$r' }],
        ['models:/$lm', { model_id: '$lm' }],
        [`models:/${other}/1`, {}],
        [`models:/${other}/2`, {}],
      ] as const
    ).entries()) {
      await t.quiet('POST', 'model-versions/create', { name: uri, source, ...more })
      await t.get('model-versions/get-download-uri', { name: uri, version: index + 1 })
    }
    await t.send('DELETE', 'logged-models/$lm', {})
    await make('models:/$lm', { model_id: '$lm' })
    await make(`models:/${other}/2`)
    await t.post('registered-models/create', {
      name: t.name('prompt'),
      tags: [{ key: 'mlflow.prompt.is_prompt', value: 'true' }],
    })
    const prompt = (more: object) =>
      t.post(
        'model-versions/create',
        {
          name: t.name('prompt'),
          source: 'dummy-source',
          tags: [
            { key: 'mlflow.prompt.is_prompt', value: 'true' },
            { key: 'mlflow.prompt.text', value: 'Hi {{x}}' },
          ],
          ...more,
        },
        made,
      )
    for (const more of [
      {},
      { source: 's3://b/x' },
      { source: '/etc' },
      { source: 'prompt-template' },
      { tags: [] },
      { tags: [{ key: 'mlflow.prompt.is_prompt', value: 'True' }] },
      { name, source: 'dummy-source' },
      { name, source: 'dummy-source', tags: [] },
    ])
      await prompt(more)
    await make(`models:/${t.name('prompt')}/1`)
    await t.get('model-versions/get', { name: t.name('prompt'), version: 1 })
  },
}

export const registryScenarios = [models, stages, aliases, sources]
