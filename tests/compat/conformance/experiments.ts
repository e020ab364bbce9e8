import { Draw, grammarCases, long, quoted, type Scenario, soup } from './scenario.ts'
import type { Answer, Talk } from './talk.ts'

const names = (json: Answer['json']) => ({
  found: (json.experiments ?? []).map((experiment: { name: string }) => experiment.name),
  more: json.next_page_token !== undefined,
})

async function seed(t: Talk): Promise<void> {
  const tags: Record<number, object[]> = {
    1: [{ key: 'team', value: 'red' }],
    2: [
      { key: 'team', value: 'Red' },
      { key: 'n', value: '5' },
    ],
    3: [{ key: 'team', value: 'blue' }],
    4: [{ key: 'a b', value: 'x' }],
    5: [{ key: 'team', value: '' }],
    6: [
      { key: 'a.b', value: 'y' },
      { key: 'team', value: '100%' },
    ],
  }
  const known = [
    'alpha',
    'Alpha',
    'beta',
    'al_pha',
    'al%pha',
    'été',
    'ÉTÉ',
    "o'clock",
    'say "x"',
    'a b',
    'zeta',
    'ALPHA',
  ]
  for (const [index, name] of known.entries())
    await t.make(`$e${index}`, 'experiments/create', { name, tags: tags[index] ?? [] })
  await t.quiet('POST', 'experiments/delete', { experiment_id: '$e10' })
  await t.quiet('POST', 'experiments/update', { experiment_id: '$e2', new_name: 'beta2' })
}

/** Plays first: it looks at every experiment that the server has. */
const search: Scenario = {
  name: 'experiments-search',
  async play(t) {
    await seed(t)
    const find = (body: object, token?: string) =>
      t.post('experiments/search', { max_results: 100, ...body }, { keep: names, token })
    for (const view of ['ACTIVE_ONLY', 'DELETED_ONLY', 'ALL', 'NONSENSE', 1, 2, 3, 9, '2'])
      await find({ view_type: view })
    for (const size of [1, 0, -1, 50_000, 50_001, '5', 'x', 1.5, 2.0, null, true])
      await t.post('experiments/search', { max_results: size }, { keep: names })
    await t.post('experiments/search', {}, { keep: names })
    await t.get('experiments/search', { max_results: 3, order_by: ['name ASC'], view_type: 'ALL' }, { keep: names })
    await t.get(
      'experiments/search',
      { max_results: 3, order_by: ['name ASC', 'experiment_id DESC'], filter: "name LIKE 'a%'" },
      { keep: names },
    )
    for (const order of [
      ['name'],
      ['name DESC'],
      ['name desc'],
      ['name  ASC'],
      ['experiment_id'],
      ['experiment_id DESC'],
      ['creation_time'],
      ['creation_time DESC'],
      ['last_update_time DESC'],
      ['last_update_time'],
      ['attribute.name'],
      ['attributes.name DESC'],
      ['name', 'name'],
      ['name', 'attributes.name'],
      ['nonsense'],
      ['tags.team'],
      ['name UP'],
      [''],
      ['name ASC DESC'],
      ['`name` DESC'],
      ['"name" DESC'],
      ['metrics.x'],
      ['creation_time', 'name DESC'],
      ['NAME'],
      ['name NULLS LAST'],
      ['name,experiment_id'],
    ])
      await find({ order_by: order })
    await find({ max_results: 5, order_by: ['name'] }, '$second')
    await find({ max_results: 5, order_by: ['name'], page_token: '$second' }, '$third')
    await find({ max_results: 5, order_by: ['name'], page_token: '$third' })
    await find({ max_results: 5, order_by: ['name DESC'], page_token: '$third', filter: "name LIKE '%a%'" })
    await find({ max_results: 12 })
    await find({ max_results: 11 })
    for (const token of [
      'x',
      'eyJ',
      'e30=',
      'eyJvZmZzZXQiOiAtMX0=',
      'eyJvZmZzZXQiOiA5OTk5fQ==',
      '',
      5,
      'été',
      'eyJvZmZzZXQiOiAieCJ9',
      'MTA=',
      'bnVsbA==',
    ])
      await find({ page_token: token })
    for (const filter of grammarCases('name', null, 'alpha')) await find({ filter })
    for (const filter of grammarCases('tags.team', null, 'red')) await find({ filter })
    for (const filter of [
      "tags.`a b` = 'x'",
      'tags."a b" = \'x\'',
      "tags.a.b = 'y'",
      "tags.`a.b` = 'y'",
      "tag.team = 'red'",
      "tags.missing != 'x'",
      'tags.missing IS NULL',
      "tags.team LIKE '100\\%'",
      "tags.team LIKE '100%'",
      "name LIKE 'al_pha'",
      "name LIKE 'al%pha'",
      "name ILIKE 'ÉTÉ'",
      "name ILIKE 'été'",
      "name = 'été'",
      `name = "o'clock"`,
      'name = \'say "x"\'',
      "attribute.name = 'alpha'",
      "attributes.name = 'alpha'",
      "attr.name = 'alpha'",
      "experiment_id = '$e1'",
      "experiment_id != '$e1'",
      "experiment_id IN ('$e1', '$e2')",
      "experiment_id NOT IN ('$e1')",
      "experiment_id in ('$e1')",
      "experiment_id LIKE '$e1'",
      'experiment_id = $e1',
      'experiment_id > 1',
      "experiment_id = 'x'",
      "experiment_id IN ('x')",
      'experiment_id IN (1, 2)',
      "experiment_id = '$e1' AND name = 'Alpha'",
      'creation_time > 0',
      'creation_time < 0',
      'creation_time = 0',
      'last_update_time > 1.5',
      "creation_time > '0'",
      'creation_time != 5',
      'last_update_time >= 0 AND creation_time > 0',
      "creation_time LIKE '1'",
      'creation_time > 99999999999999999999',
      "lifecycle_stage = 'active'",
      "artifact_location = 'x'",
      "tags.team = 'red' AND tags.n = '5'",
      "tags.team ILIKE 'red' AND tags.n = '5'",
      "params.x = '1'",
      'metrics.x > 1',
      "name LIKE '%' AND tags.team IS NOT NULL",
    ])
      await find({ filter })
    const draw = new Draw(41)
    const pieces = [
      'name',
      'tags.team',
      'tags.`a b`',
      '=',
      '!=',
      'LIKE',
      'ILIKE',
      "'red'",
      "'alpha'",
      '"Red"',
      'AND',
      'and',
      'creation_time',
      '>',
      '0',
      "'%a%'",
      'IN',
      "('$e1')",
      'experiment_id',
      'IS NULL',
      'IS NOT NULL',
      '(',
      ')',
      ',',
      ';',
      'NOT',
    ]
    const value = () =>
      quoted(draw.one(['alpha', 'Alpha', 'beta2', 'red', 'Red', 'a%', '%a', '_lpha', 'al_pha', '', '5', 'x']), draw)
    const condition = () =>
      draw.chance(0.25)
        ? `${draw.one(['creation_time', 'last_update_time'])} ${draw.one(['>', '>=', '<', '<=', '=', '!='])} ${draw.one(['0', '1e13', '9999999999999', '-5', '3.5'])}`
        : `${draw.one(['name', 'attribute.name', 'tags.team', 'tag.team', 'tags.n', 'tags.`a b`', 'tags."a.b"'])} ${draw.one(['=', '!=', 'LIKE', 'ILIKE'])} ${value()}`
    for (const filter of draw.many(60, () =>
      draw.many(1 + draw.below(3), condition).join(draw.one([' AND ', ' and ', '  AND\n'])),
    ))
      await find({
        filter,
        order_by: [`${draw.one(['name', 'experiment_id', 'creation_time'])} ${draw.one(['', 'ASC', 'DESC'])}`.trim()],
      })
    for (const filter of draw.many(60, () => soup(draw, pieces))) await find({ filter })
  },
}

const rules: Scenario = {
  name: 'experiments',
  async play(t) {
    const n = (text: string) => t.name(text)
    for (const body of [
      {},
      { name: '' },
      { name: null },
      { name: 5 },
      { name: true },
      { name: ['x'] },
      { name: {} },
      { name: long(501) },
      { name: n('p'), tags: 'x' },
      { name: n('p'), tags: [{ key: '' }] },
      { name: n('p'), tags: [{ value: 'x' }] },
      { name: n('q'), tags: [{ key: 'a//b', value: 'x' }] },
      { name: n('q'), tags: [{ key: '../a', value: 'x' }] },
      { name: n('q'), tags: [{ key: 'a@b', value: 'x' }] },
      { name: n('q'), tags: [{ key: long(251), value: 'x' }] },
      { name: n('q'), tags: [{ key: 'k', value: long(20_001) }] },
      { name: n('r'), artifact_location: 'runs:/x/y' },
      { name: n('r'), artifact_location: long(2049) },
      { name: n('r'), artifact_location: 's3://b/x#frag' },
      { name: n('r'), artifact_location: 's3://b/x?a=../b' },
      { name: n('r'), artifact_location: 's3://b/x;p' },
      { name: n('r'), artifact_location: 5 },
    ])
      await t.post('experiments/create', body)
    await t.post('experiments/create', { name: n('one') }, { bind: '$one' })
    await t.post('experiments/create', { name: n('one') })
    await t.get('experiments/get', { experiment_id: '$one' })
    await t.post(
      'experiments/create',
      {
        name: n('tagged'),
        tags: [{ key: 'k', value: 'v' }, { key: 'long', value: long(20_000, 'y') }, { key: 'e' }],
        artifact_location: 's3://bucket/some/where',
      },
      { bind: '$tagged' },
    )
    await t.get('experiments/get', { experiment_id: '$tagged' })
    await t.post('experiments/create', {
      name: n('double'),
      tags: [
        { key: 'k', value: 'a' },
        { key: 'k', value: 'b' },
      ],
    })
    await t.post('experiments/create', { name: ` ${n('spaces')} ` }, { bind: '$spaces' })
    await t.get('experiments/get', { experiment_id: '$spaces' })
    await t.post('experiments/create', { name: ' ' })
    await t.post('experiments/create', { name: `${n('')}${long(500 - n('').length)}` }, { bind: '$longest' })
    await t.post('experiments/create', { name: n('odd/:*?<>|"\\\'é日本🎉\n') }, { bind: '$odd' })
    await t.get('experiments/get-by-name', { experiment_name: n('odd/:*?<>|"\\\'é日本🎉\n') })
    for (const location of [
      's3://b/x/',
      'ftp://user:pw@host/x',
      'mlflow-artifacts:/some/where',
      'mlflow-artifacts://host:5000/x',
      'gs://b',
      '',
      'hdfs://nn:8020/x?a=b',
    ])
      await t
        .post('experiments/create', { name: n(`at ${location}`), artifact_location: location }, { bind: '$at' })
        .then(() => t.get('experiments/get', { experiment_id: '$at' }))
    for (const id of [undefined, '', 'x', '-1', '1.5', '999999', '99999999999999999999', ' 0', '00', '0', '+0', '1e3'])
      await t.get('experiments/get', { experiment_id: id })
    await t.get('experiments/get', { experiment_id: ['$one', '$tagged'] })
    await t.get('experiments/get', { experimentId: '$one' })
    for (const name of [undefined, '', n('none'), n('one'), n('ONE'), 'Default'])
      await t.get('experiments/get-by-name', { experiment_name: name })
    for (const body of [
      {},
      { experiment_id: '$one' },
      { experiment_id: '$one', new_name: '' },
      { experiment_id: '$one', new_name: 5 },
      { experiment_id: '999999', new_name: 'x' },
      { experiment_id: 'x', new_name: 'x' },
      { experiment_id: '$one', new_name: n('tagged') },
      { experiment_id: '$one', new_name: long(501) },
      { experiment_id: '$one', new_name: n('renamed') },
      { experiment_id: '$one', new_name: n('renamed') },
      { new_name: n('zz') },
    ])
      await t.post('experiments/update', body)
    await t.get('experiments/get', { experiment_id: '$one' })
    await t.get('experiments/get-by-name', { experiment_name: n('one') })
    for (const body of [
      {},
      { experiment_id: '$one' },
      { key: 'k' },
      { experiment_id: '$one', key: '', value: 'x' },
      { experiment_id: '$one', key: 'k' },
      { experiment_id: '$one', key: 'k2', value: '' },
      { experiment_id: '$one', key: 'k', value: 5 },
      { experiment_id: '$one', key: 5, value: 'x' },
      { experiment_id: '$one', key: 'a//b', value: 'x' },
      { experiment_id: '$one', key: 'ok.key-1_/ :x', value: 'x' },
      { experiment_id: '$one', key: long(250), value: 'x' },
      { experiment_id: '$one', key: long(251), value: 'x' },
      { experiment_id: '$one', key: 'big', value: long(20_000) },
      { experiment_id: '$one', key: 'big', value: long(20_001) },
      { experiment_id: '999999', key: 'k', value: 'v' },
      { experiment_id: '$one', key: 'k', value: 'first' },
      { experiment_id: '$one', key: 'k', value: 'second' },
      { experiment_id: '$one', key: 'été', value: 'v' },
      { experiment_id: '$one', key: 'a\nb', value: 'v' },
    ])
      await t.post('experiments/set-experiment-tag', body)
    await t.get('experiments/get', { experiment_id: '$one' })
    for (const body of [
      {},
      { experiment_id: '$one' },
      { experiment_id: '$one', key: 'missing' },
      { experiment_id: '$one', key: 'k' },
      { experiment_id: '$one', key: 'k' },
      { experiment_id: '999999', key: 'k' },
      { key: 'k' },
      { experiment_id: '$one', key: 5 },
    ])
      await t.post('experiments/delete-experiment-tag', body)
    await t.run('$r1', '$one')
    await t.run('$r2', '$one')
    await t.quiet('POST', 'runs/delete', { run_id: '$r2' })
    for (const body of [
      {},
      { experiment_id: '' },
      { experiment_id: '999999' },
      { experiment_id: 'x' },
      { experiment_id: '$one' },
      { experiment_id: '$one' },
    ])
      await t.post('experiments/delete', body)
    await t.get('experiments/get', { experiment_id: '$one' })
    await t.get('experiments/get-by-name', { experiment_name: n('renamed') })
    await t.get('runs/get', { run_id: '$r1' })
    await t.post('experiments/create', { name: n('renamed') })
    await t.post('experiments/update', { experiment_id: '$one', new_name: n('again') })
    await t.post('experiments/set-experiment-tag', { experiment_id: '$one', key: 'k', value: 'v' })
    await t.post('experiments/delete-experiment-tag', { experiment_id: '$one', key: 'big' })
    await t.post('runs/create', { experiment_id: '$one', run_name: 'late' })
    await t.post('runs/log-metric', { run_id: '$r1', key: 'm', value: 1, timestamp: 1 })
    await t.post('experiments/update', { experiment_id: '$spaces', new_name: n('renamed') })
    await t.post('runs/restore', { run_id: '$r2' })
    for (const body of [
      {},
      { experiment_id: '999999' },
      { experiment_id: 'x' },
      { experiment_id: '$tagged' },
      { experiment_id: '$one' },
      { experiment_id: '$one' },
    ])
      await t.post('experiments/restore', body)
    await t.get('experiments/get', { experiment_id: '$one' })
    await t.get('runs/get', { run_id: '$r1' })
    await t.get('runs/get', { run_id: '$r2' })
    await t.post('/api/2.0/mlflow/experiments/search-datasets', { experiment_ids: ['$one'] })
    for (const method of ['PUT', 'DELETE', 'PATCH']) await t.send(method, 'experiments/create', { name: n('method') })
    await t.get('experiments/create', { name: n('method') })
    await t.post('experiments/get', { experiment_id: '0' })
    await t.post('experiments/nonsense', {})
  },
}

export const experimentScenarios = [rules]
export const experimentSearch = search
