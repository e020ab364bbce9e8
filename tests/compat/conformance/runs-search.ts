import { Draw, grammarCases, quoted, type Scenario, soup } from './scenario.ts'
import type { Answer, Talk } from './talk.ts'

const names = (json: Answer['json']) => ({
  found: (json.runs ?? []).map((run: Answer['json']) => run.info.run_name),
  more: json.next_page_token !== undefined,
})

const VALUES: (number | string | null)[] = [0.5, 0.9, 0.5, -1, 'NaN', 'Infinity', '-Infinity', null, 0, 1e-9, 0.7, 3]
const STATUSES = ['RUNNING', 'FINISHED', 'FAILED', 'KILLED', 'SCHEDULED']
const PARAMS = ['5', '10', 'a', 'A', 'a%b', 'a_b', '', 'été', "it's", 'NULL', null, null]
const TEAMS = ['red', 'Red', 'blue', null]

async function seed(t: Talk): Promise<void> {
  await t.experiment('$exp')
  await t.experiment('$other')
  for (let index = 0; index < 24; index++) {
    const run = `$r${index}`
    await t.run(run, index === 23 ? '$other' : '$exp', {
      start_time: 1_000 + ((index * 7) % 24) * 2,
      user_id: index % 2 === 0 ? 'ada' : 'bob',
      run_name: `r${index}${index % 7 === 0 ? ' x' : ''}`,
    })
    const [value, loss] = [VALUES[index % VALUES.length], VALUES[(index * 5 + 3) % VALUES.length]]
    const param = PARAMS[index % PARAMS.length]
    const team = TEAMS[index % TEAMS.length]
    await t.quiet('POST', 'runs/log-batch', {
      run_id: run,
      metrics: [
        ...(value === null ? [] : [{ key: 'acc', value, timestamp: 1, step: 1 }]),
        ...(loss === null ? [] : [{ key: 'val loss/x.y', value: loss, timestamp: 1, step: 0 }]),
        { key: 'acc2', value: index, timestamp: 9, step: 0 },
        { key: 'acc2', value: -index, timestamp: 1, step: 5 },
      ],
      params: [...(param === null ? [] : [{ key: 'p', value: param }]), { key: 'a.b c', value: `${index % 3}` }],
      tags: [
        ...(team === null ? [] : [{ key: 'team', value: team }]),
        ...(index % 4 === 1 ? [{ key: 'mlflow.note.content', value: 'N' }] : []),
      ],
    })
    if (index % 3 !== 0)
      await t.quiet('POST', 'runs/update', {
        run_id: run,
        status: STATUSES[index % 5],
        ...(index % 2 === 0 ? { end_time: 5_000 + (index % 4) } : {}),
      })
    if (index % 6 === 2)
      await t.quiet('POST', 'runs/log-inputs', {
        run_id: run,
        datasets: [
          {
            dataset: { name: `data${index % 4}`, digest: `dig${index % 12}`, source_type: 's', source: '{}' },
            tags: [{ key: 'mlflow.data.context', value: index % 12 === 2 ? 'train' : 'eval' }],
          },
          { dataset: { name: 'common', digest: 'c', source_type: 's', source: '{}' } },
        ],
      })
  }
  for (const run of ['$r5', '$r6', '$r17']) await t.quiet('POST', 'runs/delete', { run_id: run })
}

const CASES = [
  'metrics.acc > 0.5',
  'metrics.acc >= 0.5',
  'metrics.acc = 0.5',
  'metrics.acc != 0.5',
  'metrics.acc < 0',
  'metrics.acc <= -1',
  'metrics.acc > -1e10',
  'metric.acc > 0.5',
  "metrics.acc > '0.5'",
  'metrics.acc = 0',
  'metrics.acc != 0',
  'metrics.acc >= 0',
  'metrics.acc <= 0',
  'metrics.acc > 1e308',
  'metrics.`val loss/x.y` > 0',
  'metrics."val loss/x.y" > 0',
  "metrics.'val loss/x.y' > 0",
  'metrics.val loss/x.y > 0',
  'metrics.acc2 > 0',
  'metrics.acc2 < -20',
  'metrics.missing != 1',
  'metrics.acc IS NULL',
  'metrics.acc LIKE 5',
  'metrics.acc IN (0.5)',
  'metrics.acc > abc',
  'metrics.acc = NaN',
  "metrics.acc = 'NaN'",
  'metrics.acc > 0.5 AND metrics.acc < 0.95',
  'metrics.acc>0.5',
  'metrics.acc >0.5',
  'metrics.acc> 0.5',
  'metrics.acc > 0.5AND metrics.acc2 < 0',
  "params.p = '5'",
  'params.p = 5',
  "params.p != '5'",
  "params.p = ''",
  "params.p LIKE '%'",
  "params.p LIKE 'a%b'",
  "params.p LIKE 'a\\%b'",
  "params.p LIKE 'a_b'",
  "params.p ILIKE 'A'",
  "params.p = 'A'",
  "params.p > '5'",
  'params.p IS NULL',
  'params.p IS NOT NULL',
  'params.missing IS NULL',
  'params.missing IS NOT NULL',
  "params.missing = ''",
  "params.p = 'été'",
  "params.p ILIKE 'ÉTÉ'",
  `params.p = "it's"`,
  "params.p = 'it''s'",
  "params.p = 'NULL'",
  'params.p = NULL',
  "params.p IN ('5', '10')",
  "parameter.p = '5'",
  "parameters.p = '5'",
  "param.p = '5'",
  "params.`a.b c` = '1'",
  'params."a.b c" = \'1\'',
  "params.a.b c = '1'",
  "params.'p' = '5'",
  "tags.team = 'red'",
  "tag.team = 'red'",
  "tags.team != 'red'",
  "tags.team ILIKE 'RED'",
  'tags.team IS NULL',
  'tags.team IS NOT NULL',
  'tags.missing IS NULL',
  "tags.mlflow.note.content = 'N'",
  "tags.`mlflow.note.content` = 'N'",
  "tags.mlflow.runName LIKE 'r1%'",
  "tags.mlflow.runName = 'r1'",
  "tags.team = 'red' AND tags.team = 'Red'",
  "tags.team LIKE 'r%' AND params.p != '5'",
  "tags.team NOT IN ('red')",
  "tags.team > 'a'",
  "status = 'FINISHED'",
  "attributes.status = 'FINISHED'",
  "attribute.status = 'FINISHED'",
  "attr.status = 'FINISHED'",
  "run.status = 'FINISHED'",
  "status = 'finished'",
  "status != 'RUNNING'",
  "status LIKE 'F%'",
  "status ILIKE 'f%'",
  'status = 3',
  "status IN ('FINISHED')",
  'status IS NULL',
  "Status = 'FINISHED'",
  "status > 'A'",
  "run_id = '$r1'",
  "run_id != '$r1'",
  "run_id IN ('$r1', '$r2')",
  "run_id NOT IN ('$r1', '$r2')",
  "run_id LIKE '%'",
  "run_uuid = '$r1'",
  "run_id ILIKE '%'",
  "run_id IN ('none')",
  "run_id IN ('$r1',)",
  "run_id in ('$r1')",
  'run_id IN ()',
  "run_id > 'a'",
  "attributes.run_id IN ('$r1')",
  'attributes.run_id = "$r1"',
  "experiment_id = '$exp'",
  "lifecycle_stage = 'active'",
  "lifecycle_stage = 'deleted'",
  "source_type = 'x'",
  "source_name = 'x'",
  "run_name = 'r1'",
  "run_name LIKE 'r1%'",
  "run_name ILIKE 'R1%'",
  "run_name != 'r1'",
  "`run name` = 'r1'",
  "`Run name` = 'r1'",
  '"Run Name" = \'r1\'',
  "attributes.`run name` = 'r1'",
  "attributes.run_name IN ('r1')",
  "run_name = 'r0 x'",
  "attributes.run_name = 'none'",
  "run name = 'r1'",
  "user_id = 'ada'",
  "user_id LIKE 'a%'",
  "user_id != 'ada'",
  "user_id IN ('ada')",
  "artifact_uri LIKE '%artifacts'",
  "artifact_uri = 'x'",
  'start_time > 1020',
  'start_time >= 1020',
  'start_time = 1020',
  "start_time > '1020'",
  'start_time != 1020',
  'start_time > 1020.5',
  'start_time LIKE 1',
  'created > 1020',
  'Created > 1020',
  'attributes.created >= 1040',
  'end_time > 0',
  'end_time = 5000',
  'end_time != 5000',
  'end_time IS NULL',
  'end_time < 5002',
  'start_time > abc',
  'start_time > 99999999999999999999',
  'start_time = 1e3',
  'start_time >= -5',
  "dataset.name = 'common'",
  "datasets.name = 'data0'",
  "dataset.name LIKE 'data%'",
  "dataset.name IN ('data0', 'data2')",
  "dataset.digest = 'c'",
  "dataset.digest IN ('dig2')",
  "dataset.context = 'train'",
  "dataset.context != 'train'",
  "dataset.context LIKE 't%'",
  "dataset.context IN ('train', 'eval')",
  "dataset.name = 'common' AND dataset.context = 'train'",
  "dataset.name = 'common' AND dataset.name = 'data0'",
  "dataset.source = 'x'",
  "dataset.name != 'common'",
  "dataset.name NOT IN ('common')",
  "dataset.name ILIKE 'COMMON'",
  'dataset.name = 5',
  'dataset.name IS NULL',
  "dataset.digest > 'a'",
  "dataset = 'x'",
  "datasets.nonsense = 'x'",
  "metrics.acc > 0.5 AND params.p = '5' AND tags.team = 'red'",
  "metrics.acc > 0.1 AND status = 'RUNNING' AND start_time > 1000",
  'metric = 1',
  'metrics > 1',
  "tags = 'x'",
  "models.x = 'y'",
  'metrics.acc > 0.5 OR metrics.acc < 0',
  'metrics.2nd > 1',
  'metrics.a-b > 1',
  'metrics.a/b > 1',
  'metrics.a:b > 1',
  "tags.a@b = 'x'",
  'metrics.été > 1',
  'metrics.acc > 1;',
  'inputs.x > 1',
  "prompts = 'x'",
  "params.p='5'AND params.p!='6'",
]
const ORDERS = [
  [],
  ['metrics.acc'],
  ['metrics.acc DESC'],
  ['metrics.acc asc'],
  ['metrics.`val loss/x.y` DESC'],
  ['metrics."val loss/x.y"'],
  ['metrics.missing'],
  ['metrics.missing DESC'],
  ['metrics.acc2 DESC'],
  ['params.p'],
  ['params.p DESC'],
  ['params.missing'],
  ['param.p', 'metric.acc DESC'],
  ['tags.team'],
  ['tags.team DESC'],
  ['tags.mlflow.runName'],
  ['tag.team', 'params.p DESC'],
  ['start_time'],
  ['start_time DESC'],
  ['attributes.start_time DESC'],
  ['attribute.start_time'],
  ['end_time'],
  ['end_time DESC'],
  ['status'],
  ['status DESC'],
  ['run_name'],
  ['run_name DESC'],
  ['`Run name`'],
  ['attributes.`run name` DESC'],
  ['user_id', 'start_time DESC'],
  ['created'],
  ['Created DESC'],
  ['experiment_id'],
  ['lifecycle_stage'],
  ['nonsense'],
  ['metrics'],
  [''],
  [' '],
  ['metrics.acc UP'],
  ['metrics.acc DESC ASC'],
  ['metrics.acc, params.p'],
  ['start_time', 'start_time'],
  ['start_time', 'start_time DESC'],
  ['metrics.acc', 'metrics.acc'],
  ['dataset.name'],
  ['metrics.acc DESC '],
  ['  metrics.acc   DESC'],
  ['metrics.acc NULLS FIRST'],
  ["'start_time'"],
  ['"start_time"'],
  ['`start_time` DESC'],
  ['attr.start_time'],
  ['run.start_time'],
  ['run_name ASC', 'run_id DESC'],
  ['(start_time)'],
  ['start_time;'],
  ['metrics.acc > 1'],
  ['status', 'metrics.acc DESC', 'params.p'],
]

const search: Scenario = {
  name: 'runs-search',
  async play(t) {
    await seed(t)
    const find = (body: object, token?: string) =>
      t.post('runs/search', { experiment_ids: ['$exp'], max_results: 100, ...body }, { keep: names, token })
    for (const body of [
      { experiment_ids: undefined },
      { experiment_ids: [] },
      { experiment_ids: ['$exp', '$other'] },
      { experiment_ids: ['$other'] },
      { experiment_ids: ['999999'] },
      { experiment_ids: ['$other', '999999'] },
      { experiment_ids: ['x'] },
      { experiment_ids: [''] },
      { experiment_ids: '$other' },
      { experiment_ids: [5] },
      { experiment_ids: ['$other', '$other'] },
      { experiment_ids: null },
    ])
      await find(body)
    for (const view of ['ACTIVE_ONLY', 'DELETED_ONLY', 'ALL', 'X', 2, 3, 7, '3', null])
      await find({ run_view_type: view })
    for (const size of [1, 0, -1, 50_000, 50_001, '5', 'x', 2.0, 1.5, null, true, 2_147_483_648])
      await find({ max_results: size })
    await t.post('runs/search', { experiment_ids: ['$other'] })
    await t.experiment('$tied')
    for (const run of ['$t0', '$t1', '$t2', '$t3', '$t4', '$t5']) await t.run(run, '$tied')
    const byId = (json: Answer['json']) =>
      json.runs.every((run: Answer['json'], at: number) => at === 0 || json.runs[at - 1].info.run_id < run.info.run_id)
    for (const order_by of [
      undefined,
      ['start_time'],
      ['start_time DESC'],
      ['metrics.acc'],
      ['params.p DESC'],
      ['tags.team'],
    ])
      await t.post('runs/search', { experiment_ids: ['$tied'], order_by }, { keep: byId })
    for (const order of ORDERS) await find({ order_by: order })
    for (const order_by of [['run_id'], ['artifact_uri'], ['attributes.run_id ASC']])
      await t.post('runs/search', { experiment_ids: ['$exp'], order_by }, { keep: byId })
    await find({ order_by: 'start_time' })
    await find({ order_by: [5] })
    await find({ max_results: 8, order_by: ['metrics.acc DESC'] }, '$p2')
    await find({ max_results: 8, order_by: ['metrics.acc DESC'], page_token: '$p2' }, '$p3')
    await find({ max_results: 8, order_by: ['metrics.acc DESC'], page_token: '$p3' })
    await find({ max_results: 20 })
    await find({ max_results: 19 })
    await find({ max_results: 10, filter: "tags.team = 'red'" })
    for (const token of ['x', 'eyJ', 'e30=', '', 5, 'eyJvZmZzZXQiOiA5OTk5fQ==', 'été', 'bnVsbA==', 'W10='])
      await find({ page_token: token })
    for (const filter of [
      ...CASES,
      ...grammarCases('status', 'metrics.acc', 'FINISHED'),
      ...grammarCases('params.p', 'start_time', 'a_b'),
      ...grammarCases('tags.team', null, 'red'),
    ])
      await find({ filter })
  },
}

const drawn: Scenario = {
  name: 'runs-filters',
  async play(t) {
    await seed(t)
    const find = (body: object) =>
      t.post('runs/search', { experiment_ids: ['$exp'], max_results: 100, ...body }, { keep: names })
    const draw = new Draw(7)
    const numberOf = () => draw.one(['0', '0.5', '-1', '1e-9', '0.9', '3', '1e308', '-2.5', '10', '1020', '5001', '.7'])
    const textOf = () =>
      quoted(
        draw.one([
          '5',
          '10',
          'a',
          'A',
          'a%b',
          'a_b',
          '',
          'été',
          'red',
          'Red',
          '%e%',
          'r_d',
          'R%',
          'FINISHED',
          'ada',
          'r1',
          'N',
          'train',
          'common',
          'data2',
          '0',
          '1',
        ]),
        draw,
      )
    const compare = () => draw.one(['>', '>=', '<', '<=', '=', '!='])
    const like = () => draw.one(['=', '!=', 'LIKE', 'ILIKE', 'like', 'ilike'])
    const condition = (): string => {
      const kind = draw.below(9)
      if (kind < 2)
        return `${draw.one(['metrics', 'metric'])}.${draw.one(['acc', 'acc2', '`val loss/x.y`', '"val loss/x.y"', 'missing'])} ${compare()} ${numberOf()}`
      if (kind < 4)
        return `${draw.one(['params', 'param', 'parameters'])}.${draw.one(['p', '`a.b c`', 'missing'])} ${like()} ${textOf()}`
      if (kind < 5)
        return `${draw.one(['tags', 'tag'])}.${draw.one(['team', 'mlflow.runName', '`mlflow.note.content`'])} ${like()} ${textOf()}`
      if (kind < 6)
        return `${draw.one(['', 'attributes.', 'run.', 'attr.'])}${draw.one(['status', 'user_id', 'run_name'])} ${like()} ${textOf()}`
      if (kind < 7)
        return `${draw.one(['', 'attribute.'])}${draw.one(['start_time', 'end_time', 'created'])} ${compare()} ${numberOf()}`
      if (kind < 8)
        return `${draw.one(['params.p', 'tags.team', 'params.missing', 'tags.`mlflow.note.content`'])} ${draw.one(['IS NULL', 'IS NOT NULL', 'is null'])}`
      return draw.chance(0.5)
        ? `dataset.${draw.one(['name', 'digest', 'context'])} ${like()} ${textOf()}`
        : `${draw.one(['dataset.name', 'dataset.context', 'run_id'])} ${draw.one(['IN', 'NOT IN'])} (${textOf()}, ${textOf()})`
    }
    const orderOf = () =>
      `${draw.one(['metrics.acc', 'metrics.acc2', 'metrics.`val loss/x.y`', 'params.p', 'tags.team', 'start_time', 'end_time', 'status', 'run_name', 'user_id'])} ${draw.one(['', 'ASC', 'DESC'])}`.trim()
    for (const filter of draw.many(220, () =>
      draw.many(1 + draw.below(3), condition).join(draw.one([' AND ', ' and ', '\nAND '])),
    )) {
      const order = [...new Set(draw.many(draw.below(3), orderOf))]
      await find({ filter, order_by: order, run_view_type: draw.one(['ACTIVE_ONLY', 'ALL', 'ALL', 'DELETED_ONLY']) })
    }
    const pieces = [
      'metrics.acc',
      'metrics.`val loss/x.y`',
      'params.p',
      "params.'p'",
      'status',
      'start_time',
      'tags.team',
      '=',
      '!=',
      '>',
      '<=',
      'LIKE',
      'ILIKE',
      'IN',
      'NOT IN',
      'IS NULL',
      'IS NOT NULL',
      'AND',
      'and',
      'OR',
      'NOT',
      "'red'",
      "'5'",
      '"a"',
      '`p`',
      '0.5',
      '-1',
      "('red', 'blue')",
      '(',
      ')',
      ',',
      ';',
      '.',
      'attributes.',
      'metrics.',
      'dataset.name',
      '--',
      '*',
      '%',
    ]
    for (const filter of draw.many(160, () => soup(draw, pieces))) await find({ filter })
    const pairs = draw.many(80, () => {
      const parts = condition().split(' ')
      const at = draw.below(parts.length)
      if (draw.chance(0.5)) parts.splice(at, 1)
      else parts.splice(at, draw.below(2), draw.one(pieces))
      return parts.join(' ')
    })
    for (const filter of pairs) await find({ filter })
  },
}

export const runSearchScenarios = [search, drawn]
