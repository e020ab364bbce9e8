import { Draw, grammarCases, long, quoted, type Scenario, soup } from './scenario.ts'
import type { Answer, Talk } from './talk.ts'

const rules: Scenario = {
  name: 'logged-models',
  async play(t) {
    await t.experiment('$exp')
    await t.experiment('$gone')
    await t.quiet('POST', 'experiments/delete', { experiment_id: '$gone' })
    await t.run('$r', '$exp')
    await t.run('$dead', '$exp')
    await t.quiet('POST', 'runs/delete', { run_id: '$dead' })
    for (const body of [
      {},
      { experiment_id: '' },
      { experiment_id: '999999' },
      { experiment_id: 'x' },
      { experiment_id: 5 },
      { experiment_id: '$gone', name: 'x' },
      { experiment_id: '$exp', name: 'a/b' },
      { experiment_id: '$exp', name: 'a:b' },
      { experiment_id: '$exp', name: 'a.b' },
      { experiment_id: '$exp', name: 'a%b' },
      { experiment_id: '$exp', name: 'a"b' },
      { experiment_id: '$exp', name: "a'b" },
      { experiment_id: '$exp', name: 5 },
      { experiment_id: '$exp', name: ' ' },
      { experiment_id: '$exp', name: 'x', params: [{}] },
      { experiment_id: '$exp', name: 'x', params: 'x' },
      { experiment_id: '$exp', name: 'x', params: [{ key: 'a//b', value: '1' }] },
      { experiment_id: '$exp', name: 'x', tags: [{ key: 'a//b', value: '1' }] },
      { experiment_id: '$exp', name: 'x', params: [{ key: long(251), value: '1' }] },
      { experiment_id: '$exp', name: 'x', tags: [{ key: long(251), value: '1' }] },
      { experiment_id: '$exp', name: 'x', params: [{ key: 'k', value: long(6001) }] },
      { experiment_id: '$exp', name: 'x', tags: [{ key: 'k', value: long(8001) }] },
      {
        experiment_id: '$exp',
        name: 'x',
        params: [
          { key: 'k', value: '1' },
          { key: 'k', value: '2' },
        ],
      },
      {
        experiment_id: '$exp',
        name: 'x',
        tags: [
          { key: 'k', value: '1' },
          { key: 'k', value: '2' },
        ],
      },
      { experiment_id: '$exp', name: 'x', source_run_id: 'none' },
      { experiment_id: '$exp', name: 'x', source_run_id: '$dead' },
      { experiment_id: '$exp', name: long(500) },
      { experiment_id: '$exp', name: long(501) },
      { experiment_id: '$exp', name: 'x', model_type: long(501) },
      { experiment_id: '$exp', name: 'a b-c_d é 日本' },
      { experiment_id: '$exp', name: 'a\\b' },
      { experiment_id: '$exp', name: 'x', params: [{ key: 'empty' }] },
    ])
      await t.post('logged-models', body)
    await t.post('logged-models', { experiment_id: '$exp' }, { bind: '$plain' })
    await t.post('logged-models', { experiment_id: '$exp', name: '' })
    await t.post(
      'logged-models',
      {
        experiment_id: '$exp',
        name: 'full',
        model_type: 'agent',
        source_run_id: '$r',
        params: [
          { key: 'p', value: '1' },
          { key: 'q', value: '' },
        ],
        tags: [{ key: 't', value: 'v' }],
      },
      { bind: '$full' },
    )
    await t.post('logged-models', { experiment_id: '0', name: 'in default' }, { bind: '$default' })
    await t.get('logged-models/$full')
    await t.get('logged-models/$plain')
    for (const id of ['m-none', 'x', 'm-00000000000000000000000000000000', '']) await t.get(`logged-models/${id}`)
    for (const body of [
      {},
      { status: 'X' },
      { status: 2 },
      { status: 3 },
      { status: 'LOGGED_MODEL_UPLOAD_FAILED' },
      { status: 'LOGGED_MODEL_PENDING' },
      { status: 0 },
      { status: 'LOGGED_MODEL_STATUS_UNSPECIFIED' },
      { status: 99 },
      { status: 'LOGGED_MODEL_READY' },
    ])
      await t.send('PATCH', 'logged-models/$full', { model_id: '$full', ...body })
    await t.send('PATCH', 'logged-models/$full', { status: 'LOGGED_MODEL_READY' })
    await t.send('PATCH', 'logged-models/m-none', { model_id: 'm-none', status: 'LOGGED_MODEL_READY' })
    await t.get('logged-models/$full')
    for (const tags of [
      undefined,
      [],
      'x',
      [
        { key: 't', value: 'new' },
        { key: 'u', value: '' },
      ],
      [{ key: 'a//b', value: '1' }],
      [{ key: 'a@b', value: '1' }],
      [{ key: 'long', value: long(8001) }],
      [
        { key: 'k', value: '1' },
        { key: 'k', value: '2' },
      ],
      [{ key: 'with space/slash:x', value: '1' }],
      [{ key: 'novalue' }],
    ])
      await t.send('PATCH', 'logged-models/$full/tags', { model_id: '$full', tags })
    for (const tags of [[{}], [{ key: long(251), value: '1' }], [{ key: 'n', value: 5 }]])
      await t.send('PATCH', 'logged-models/$default/tags', { model_id: '$default', tags })
    await t.send('PATCH', 'logged-models/m-none/tags', { tags: [{ key: 't', value: '1' }] })
    await t.get('logged-models/$full')
    for (const key of ['none', 'u', 'u', 'with%20space%2Fslash%3Ax', 'a%2F%2Fb', 't'])
      await t.send('DELETE', `logged-models/$full/tags/${key}`, {})
    await t.send('DELETE', 'logged-models/$full/tags/t')
    await t.send('DELETE', 'logged-models/m-none/tags/t', {})
    for (const params of [
      undefined,
      [],
      'x',
      [{ key: 'p', value: '1' }],
      [{ key: 'p', value: '2' }],
      [{ key: 'new', value: 'x' }, { key: 'e' }],
      [{ key: 'a//b', value: '1' }],
      [{ key: 'long', value: long(6001) }],
      Array.from({ length: 101 }, (_, index) => ({ key: `many${index}`, value: '1' })),
    ])
      await t.post('logged-models/$full/params', { model_id: '$full', params })
    for (const params of [[{}], [{ key: long(251), value: '1' }]])
      await t.post('logged-models/$default/params', { model_id: '$default', params })
    await t.post('logged-models/m-none/params', { model_id: 'm-none', params: [{ key: 'p', value: '1' }] })
    await t.get(
      'logged-models/$full',
      {},
      {
        keep: ({ model }) => [
          model.data.params.length,
          model.data.params.slice(0, 3),
          model.info.tags?.map((tag: { key: string }) => tag.key),
        ],
      },
    )
    const metric = (more: object) =>
      t.post('runs/log-metric', {
        run_id: '$r',
        key: 'acc',
        value: 0.5,
        timestamp: 1,
        step: 1,
        model_id: '$full',
        ...more,
      })
    for (const more of [
      {},
      {},
      { value: 0.7, step: 2 },
      { dataset_name: 'd', dataset_digest: 'x' },
      { key: 'acc', value: 0.1, timestamp: 5, step: 1 },
      { value: 'NaN', key: 'nan' },
      { value: 'Infinity', key: 'inf' },
      { model_id: 'm-none' },
      { dataset_name: 'd' },
    ])
      await metric(more)
    await t.post('runs/log-batch', {
      run_id: '$r',
      metrics: [
        { key: 'loss', value: 1, timestamp: 1, step: 1, model_id: '$full', dataset_name: 'd', dataset_digest: 'x' },
        { key: 'loss', value: 2, timestamp: 2, step: 2, model_id: '$plain' },
        { key: 'run only', value: 2, timestamp: 2, step: 2 },
      ],
    })
    await t.get('logged-models/$full', {}, { keep: ({ model }) => ({ data: { metrics: model.data.metrics } }) })
    await t.get('logged-models/$plain', {}, { keep: ({ model }) => ({ data: { metrics: model.data.metrics } }) })
    await t.get('runs/get', { run_id: '$r' }, { keep: ({ run }) => ({ data: { metrics: run.data.metrics } }) })
    await t.send('DELETE', 'logged-models/$full', {})
    await t.send('DELETE', 'logged-models/$full', {})
    await t.send('DELETE', 'logged-models/m-none', {})
    await t.get('logged-models/$full')
    await t.get(
      'logged-models/$full',
      { allow_deleted: 'true' },
      { keep: ({ model }) => [model.info.status, model.info.name] },
    )
    await t.get('logged-models/$full', { allow_deleted: 'false' })
    await t.get('logged-models/$full', { allow_deleted: 'x' })
    await t.send('PATCH', 'logged-models/$full', { model_id: '$full', status: 'LOGGED_MODEL_READY' })
    await t.send('PATCH', 'logged-models/$full/tags', { tags: [{ key: 'late', value: '1' }] })
    await t.send('DELETE', 'logged-models/$full/tags/novalue', {})
    await t.post('logged-models/$full/params', { model_id: '$full', params: [{ key: 'late', value: '1' }] })
    await metric({ key: 'late' })
    await t.get('logged-models/$full/artifacts/directories')
    await t.get('logged-models/$plain/artifacts/directories')
    await t.get('logged-models/$plain/artifacts/directories', { artifact_directory_path: 'x' })
    await t.get('logged-models/$plain/artifacts/directories', { artifact_directory_path: '../x' })
    await t.get('logged-models/m-none/artifacts/directories')
  },
}

const names = (json: Answer['json']) => ({
  found: (json.models ?? []).map((model: Answer['json']) => model.info.name),
  more: json.next_page_token !== undefined,
})

async function seed(t: Talk): Promise<void> {
  await t.experiment('$exp')
  await t.experiment('$other')
  await t.run('$r', '$exp')
  const scores: (number | string | null)[] = [0.5, 0.9, null, 'NaN', 0.5, -1, 'Infinity', 0, 0.7, null]
  for (let index = 0; index < 18; index++) {
    const model = `$m${index}`
    await t.make(model, 'logged-models', {
      experiment_id: index === 17 ? '$other' : '$exp',
      name: `${['alpha', 'beta', 'Alpha', 'al_pha', 'été'][index % 5]}${index}`,
      ...(index % 3 === 0 ? {} : { model_type: index % 3 === 1 ? 'agent' : 'Classic' }),
      ...(index % 2 === 0 ? { source_run_id: '$r' } : {}),
      params:
        index % 4 === 0
          ? []
          : [
              { key: 'p', value: ['5', 'a', 'A', 'a%b'][index % 4] },
              { key: 'a.b c', value: 'x' },
            ],
      tags: index % 5 === 0 ? [] : [{ key: 'team', value: index % 2 === 0 ? 'red' : 'Blue' }],
    })
    const score = scores[index % scores.length]
    if (score !== null)
      await t.quiet('POST', 'runs/log-metric', {
        run_id: '$r',
        key: 'acc',
        value: score,
        timestamp: 5,
        step: 1,
        model_id: model,
        ...(index % 3 === 0 ? { dataset_name: `d${index % 2}`, dataset_digest: `g${index % 4}` } : {}),
      })
    if (index % 4 === 1)
      await t.quiet('POST', 'runs/log-metric', {
        run_id: '$r',
        key: 'acc',
        value: 0.95,
        timestamp: 9,
        step: 0,
        model_id: model,
        dataset_name: 'd1',
        dataset_digest: 'g9',
      })
    if (index % 2 === 0)
      await t.quiet('PATCH', `logged-models/${model}`, {
        model_id: model,
        status: index % 4 === 0 ? 'LOGGED_MODEL_READY' : 'LOGGED_MODEL_UPLOAD_FAILED',
      })
  }
  await t.quiet('DELETE', 'logged-models/$m3', {})
}

const search: Scenario = {
  name: 'models-search',
  async play(t) {
    await seed(t)
    const find = (body: object, token?: string) =>
      t.post('logged-models/search', { experiment_ids: ['$exp'], ...body }, { keep: names, token })
    for (const body of [
      { experiment_ids: undefined },
      { experiment_ids: [] },
      { experiment_ids: ['$exp', '$other'] },
      { experiment_ids: ['999999'] },
      { experiment_ids: ['x'] },
      { experiment_ids: '$other' },
      { experiment_ids: [5] },
      { max_results: 1 },
      { max_results: 0 },
      { max_results: -1 },
      { max_results: 'x' },
      { max_results: '3' },
      { max_results: 50 },
      { max_results: 51 },
      { max_results: 100_000 },
      { max_results: 1_000_000 },
      { filter: null },
      { order_by: null },
      { order_by: 'x' },
      { order_by: ['creation_timestamp'] },
      { datasets: 'x' },
    ])
      await find(body)
    for (const order of [
      { field_name: 'creation_timestamp' },
      { field_name: 'creation_timestamp', ascending: false },
      { field_name: 'creation_time' },
      { field_name: 'creation_timestamp_ms' },
      { field_name: 'creation_time', ascending: false },
      { field_name: 'name' },
      { field_name: 'name', ascending: false },
      { field_name: 'model_type' },
      { field_name: 'model_type', ascending: false },
      { field_name: 'source_run_id' },
      { field_name: 'status' },
      { field_name: 'last_updated_timestamp' },
      { field_name: 'last_updated_timestamp_ms' },
      { field_name: 'last_updated_time' },
      { field_name: 'experiment_id' },
      { field_name: 'lifecycle_stage' },
      { field_name: 'attributes.name' },
      { field_name: 'metrics.acc' },
      { field_name: 'metrics.acc', ascending: false },
      { field_name: 'metrics.acc', dataset_name: 'd1' },
      { field_name: 'metrics.acc', dataset_name: 'd1', dataset_digest: 'g9' },
      { field_name: 'metrics.acc', dataset_digest: 'g9' },
      { field_name: 'metrics.acc', ascending: false, dataset_name: 'd0' },
      { field_name: 'metrics.missing' },
      { field_name: 'metrics.`acc`' },
      { field_name: 'metrics."acc"' },
      { field_name: 'params.p' },
      { field_name: 'tags.team' },
      { field_name: 'nonsense' },
      { field_name: '' },
      {},
      { field_name: 5 },
      { field_name: 'name', ascending: 'x' },
      { field_name: 'name', dataset_name: 'd1' },
      { field_name: 'metrics.' },
      { field_name: 'metric.acc' },
      { field_name: '_sa_class_manager' },
      { field_name: 'metrics' },
      { field_name: 'params' },
    ])
      await find({ order_by: [order] })
    await find({ order_by: [{ field_name: 'metrics.acc', ascending: false }, { field_name: 'name' }] })
    await find({ order_by: [{ field_name: 'name' }, { field_name: 'name', ascending: false }] })
    const sorted = (json: Answer['json']) =>
      json.models.every(
        (model: Answer['json'], at: number) => at === 0 || json.models[at - 1].info.model_id < model.info.model_id,
      )
    for (const field_name of ['model_id', 'artifact_location'])
      await t.post('logged-models/search', { experiment_ids: ['$exp'], order_by: [{ field_name }] }, { keep: sorted })
    for (const datasets of [
      [{ dataset_name: 'd1' }],
      [{ dataset_name: 'd1', dataset_digest: 'g9' }],
      [{ dataset_name: 'd0' }, { dataset_name: 'd1', dataset_digest: 'g9' }],
      [{ dataset_digest: 'g9' }],
      [{}],
      [{ dataset_name: '' }],
      [{ dataset_name: 'none' }],
      [{ dataset_name: 5 }],
    ]) {
      await find({ datasets })
      await find({ datasets, filter: 'metrics.acc > 0' })
      await find({ datasets, filter: "name LIKE 'a%'", order_by: [{ field_name: 'metrics.acc', dataset_name: 'd1' }] })
    }
    await find({ max_results: 6 }, '$p2')
    await find({ max_results: 6, page_token: '$p2' }, '$p3')
    await find({ max_results: 6, page_token: '$p3' })
    await find({ max_results: 3, page_token: '$p2' })
    await find({ max_results: 6, page_token: '$p2', filter: "name = 'x'" })
    await find({ max_results: 6, page_token: '$p2', order_by: [{ field_name: 'name' }] })
    await find({ max_results: 6, page_token: '$p2', experiment_ids: ['$other'] })
    await find({ max_results: 16 })
    for (const token of ['x', 'e30=', '', 'eyJvZmZzZXQiOiAxfQ==', 5]) await find({ page_token: token })
    for (const filter of [
      ...grammarCases('name', 'metrics.acc', 'alpha0'),
      ...grammarCases('params.p', 'creation_timestamp', 'a%b'),
      "model_type = 'agent'",
      "model_type != 'agent'",
      "model_type IN ('agent', 'Classic')",
      'model_type IS NULL',
      "status = 'READY'",
      "status = 'LOGGED_MODEL_READY'",
      "status = 'PENDING'",
      "status != 'READY'",
      'status = 2',
      'status = 1',
      "status = 'FAILED'",
      "status IN ('READY')",
      "status LIKE 'R%'",
      "source_run_id = '$r'",
      "source_run_id != '$r'",
      "source_run_id IN ('$r')",
      "model_id = '$m1'",
      "model_id IN ('$m1', '$m2')",
      "model_id NOT IN ('$m1', '$m2')",
      "attributes.name = 'alpha0'",
      "attribute.name = 'alpha0'",
      "attributes.model_type = 'agent'",
      'creation_timestamp > 0',
      'creation_time > 0',
      'creation_timestamp_ms > 0',
      'attributes.creation_timestamp_ms > 0',
      'last_updated_timestamp >= 0',
      'last_updated_timestamp_ms >= 0',
      'creation_timestamp < 0',
      "creation_timestamp > '0'",
      'metrics.acc > 0.5',
      'metrics.acc >= 0.5',
      'metrics.acc = 0.5',
      'metrics.acc != 0.5',
      'metrics.acc < 0',
      'metrics.missing != 1',
      'metrics.acc > 0.5 AND metrics.acc < 0.93',
      'metric.acc > 0.5',
      "metrics.acc > 'x'",
      "param.p = '5'",
      "params.`a.b c` = 'x'",
      'params."a.b c" = \'x\'',
      "params.p = '5' AND params.p = 'a'",
      'params.p = 5',
      "params.p IN ('5', 'a')",
      "params.p NOT IN ('5')",
      "params.missing != 'x'",
      'params.p IS NULL',
      "tags.team = 'red'",
      "tag.team = 'red'",
      "tags.team != 'red'",
      "tags.team ILIKE 'BLUE'",
      "tags.team IN ('red')",
      'tags.missing IS NULL',
      "experiment_id = '$exp'",
      'experiment_id = 1',
      "artifact_location LIKE '%artifacts'",
      "artifact_uri LIKE '%'",
      "lifecycle_stage = 'active'",
      "lifecycle_stage = 'deleted'",
      "status_message = 'x'",
      "name = 'alpha0' AND model_type = 'agent'",
      "name LIKE 'al_pha%'",
      "name ILIKE 'ÉTÉ%'",
      "_sa_class_manager = 'x'",
      "metrics = 'x'",
      'metadata > 1',
    ])
      await find({ filter })
  },
}

const drawn: Scenario = {
  name: 'models-filters',
  async play(t) {
    await seed(t)
    const draw = new Draw(19)
    const textOf = () =>
      quoted(
        draw.one([
          'alpha0',
          'beta1',
          'al%',
          '%a%',
          'AL%',
          '5',
          'a',
          'A',
          'a%b',
          'red',
          'Blue',
          'blue',
          'agent',
          'Classic',
          'READY',
          'x',
          '',
        ]),
        draw,
      )
    const condition = (): string => {
      const kind = draw.below(6)
      if (kind === 0)
        return `metrics.${draw.one(['acc', '`acc`', 'missing'])} ${draw.one(['>', '>=', '<', '<=', '=', '!='])} ${draw.one(['0', '0.5', '-1', '0.9', '1e9', '-.5'])}`
      if (kind === 1)
        return `${draw.one(['', 'attributes.'])}${draw.one(['creation_timestamp', 'last_updated_timestamp'])} ${draw.one(['>', '>=', '<', '<=', '=', '!='])} ${draw.one(['0', '1e14', '9999999999999', '-5'])}`
      const field =
        kind === 2
          ? `params.${draw.one(['p', '`a.b c`', 'missing'])}`
          : kind === 3
            ? 'tags.team'
            : `${draw.one(['', 'attributes.'])}${draw.one(['name', 'model_type', 'status', 'source_run_id'])}`
      return draw.chance(0.25)
        ? `${field} ${draw.one(['IN', 'NOT IN'])} (${textOf()}, ${textOf()})`
        : `${field} ${draw.one(['=', '!=', 'LIKE', 'ILIKE'])} ${textOf()}`
    }
    const orderOf = () => ({
      field_name: draw.one(['name', 'creation_timestamp', 'metrics.acc', 'model_type', 'metrics.missing']),
      ascending: draw.chance(0.5),
    })
    const find = (body: object) =>
      t.post('logged-models/search', { experiment_ids: ['$exp'], ...body }, { keep: names })
    for (const filter of draw.many(110, () =>
      draw.many(1 + draw.below(3), condition).join(draw.one([' AND ', ' and '])),
    )) {
      await find({
        filter,
        ...(draw.chance(0.4) ? { order_by: [orderOf()] } : {}),
        ...(draw.chance(0.2) ? { datasets: [{ dataset_name: draw.one(['d0', 'd1']) }] } : {}),
      })
    }
    const pieces = [
      'name',
      'metrics.acc',
      'params.p',
      'tags.team',
      'model_type',
      '=',
      '!=',
      '>',
      'LIKE',
      'IN',
      'NOT IN',
      'AND',
      "'red'",
      "'alpha0'",
      '0.5',
      "('a', 'b')",
      'IS NULL',
      '(',
      ')',
      ';',
      'OR',
      'creation_timestamp',
    ]
    for (const filter of draw.many(70, () => soup(draw, pieces))) await find({ filter })
  },
}

export const loggedModelScenarios = [rules, search, drawn]
