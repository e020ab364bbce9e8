import { Draw, grammarCases, quoted, type Scenario, soup } from './scenario.ts'
import type { Answer, Talk } from './talk.ts'

const modelNames = (json: Answer['json']) => ({
  found: (json.registered_models ?? []).map((model: { name: string }) => model.name),
  more: json.next_page_token !== undefined,
})
const versionNames = (json: Answer['json']) => ({
  found: (json.model_versions ?? []).map((one: { name: string; version: string }) => `${one.name}/${one.version}`),
  more: json.next_page_token !== undefined,
})

async function seed(t: Talk): Promise<void> {
  await t.experiment('$exp')
  await t.run('$r', '$exp')
  const known = ['alpha', 'Alpha', 'beta', 'al_pha', 'al%pha', 'été', 'ÉTÉ', 'a b', 'zeta', "o'clock"]
  for (const [index, name] of known.entries()) {
    const tags = [
      ...(index % 3 === 0 ? [{ key: 'team', value: 'red' }] : index % 3 === 1 ? [{ key: 'team', value: 'Blue' }] : []),
      ...(index === 4 ? [{ key: 'a.b c', value: 'x' }] : []),
    ]
    await t.quiet('POST', 'registered-models/create', { name, tags })
    for (let version = 0; version < index % 4; version++)
      await t.quiet('POST', 'model-versions/create', {
        name,
        source: `s3://b/${name.length}/${version}`,
        ...(version === 1 ? { run_id: '$r' } : {}),
        tags:
          version === 0
            ? [{ key: 'team', value: 'red' }]
            : version === 1
              ? [
                  { key: 'team', value: '' },
                  { key: 'a.b c', value: 'y' },
                ]
              : [],
      })
  }
  await t.quiet('POST', 'registered-models/create', {
    name: 'prompt',
    tags: [{ key: 'mlflow.prompt.is_prompt', value: 'true' }],
  })
  await t.quiet('POST', 'model-versions/create', {
    name: 'prompt',
    source: 'dummy-source',
    tags: [
      { key: 'mlflow.prompt.is_prompt', value: 'true' },
      { key: 'mlflow.prompt.text', value: 'Hi' },
    ],
  })
  await t.quiet('POST', 'registered-models/create', {
    name: 'no prompt',
    tags: [{ key: 'mlflow.prompt.is_prompt', value: 'false' }],
  })
  await t.quiet('PATCH', 'registered-models/update', { name: 'beta', description: 'newest' })
  await t.quiet('PATCH', 'model-versions/update', { name: 'Alpha', version: '1', description: 'newest' })
  await t.quiet('DELETE', 'model-versions/delete', { name: 'ÉTÉ', version: '1' })
}

const PROMPTS = [
  "tags.`mlflow.prompt.is_prompt` = 'true'",
  "tags.`mlflow.prompt.is_prompt` != 'true'",
  "tag.`mlflow.prompt.is_prompt` = 'true'",
  "tag.`mlflow.prompt.is_prompt` != 'true'",
  "tags.`mlflow.prompt.is_prompt` = 'false'",
  "tags.`mlflow.prompt.is_prompt` != 'false'",
  "tags.`mlflow.prompt.is_prompt` = 'True'",
  "tags.mlflow.prompt.is_prompt = 'true'",
  "tags.`mlflow.prompt.is_prompt` LIKE 'true'",
  "tags.`mlflow.prompt.is_prompt` ILIKE 'TRUE'",
  "name LIKE 'p%'",
  "name = 'prompt'",
  "tags.`mlflow.prompt.is_prompt` = 'true' AND name LIKE 'p%'",
  "name LIKE '%p%' AND tag.`mlflow.prompt.is_prompt` != 'true'",
  "tags.`mlflow.prompt.is_prompt` = 'true' AND tags.team = 'red'",
  "tags.`mlflow.prompt.text` = 'Hi'",
  "tags.`mlflow.prompt.is_prompt` = 'true' AND tags.`mlflow.prompt.text` = 'Hi'",
]

/** Plays before any other scenario that makes models: it looks at all that the server has. */
const search: Scenario = {
  name: 'registry-search',
  async play(t) {
    await seed(t)
    const find = (query: object, token?: string) =>
      t.get('registered-models/search', query as never, { keep: modelNames, token })
    await find({})
    for (const max_results of [1, 0, -1, 1000, 1001, 'x', '', 1.5, 200_000]) await find({ max_results })
    for (const order_by of [
      'name',
      'name DESC',
      'name desc',
      'timestamp',
      'timestamp DESC',
      'last_updated_timestamp',
      'last_updated_timestamp DESC',
      'attribute.name',
      'attributes.name DESC',
      'creation_timestamp',
      'description',
      'nonsense',
      'tags.team',
      '',
      'name UP',
      'name  DESC',
      '`name`',
      '"name" DESC',
      'NAME',
      'name ASC DESC',
      'name,timestamp',
      'version_number',
      'name NULLS LAST',
      ['name', 'timestamp'],
      ['timestamp DESC', 'name DESC'],
      ['name', 'name DESC'],
      ['timestamp', 'last_updated_timestamp'],
      ['name', 'attribute.name'],
    ])
      await find({ order_by })
    await find({ max_results: 4 }, '$p2')
    await find({ max_results: 4, page_token: '$p2' }, '$p3')
    await find({ max_results: 4, page_token: '$p3' })
    await find({ max_results: 4, page_token: '$p2', order_by: 'name DESC' })
    await find({ max_results: 11 })
    for (const page_token of ['x', 'e30=', '', 'eyJvZmZzZXQiOiA5OTk5fQ==', 'bnVsbA==']) await find({ page_token })
    for (const filter of [
      ...PROMPTS,
      ...grammarCases('name', null, 'alpha'),
      ...grammarCases('tags.team', null, 'red'),
      "attribute.name = 'alpha'",
      "attributes.name = 'alpha'",
      "attr.name = 'alpha'",
      "name IN ('alpha', 'beta')",
      "name NOT IN ('alpha', 'beta')",
      "name ILIKE 'ÉTÉ'",
      "tags.`a.b c` = 'x'",
      'tags."a.b c" = \'x\'',
      "tags.a.b = 'x'",
      "tag.team = 'red'",
      "Tags.team = 'red'",
      "tags.missing != 'x'",
      "tags.team = 'red' AND tags.team = 'Blue'",
      "description = 'newest'",
      'creation_timestamp > 0',
      'last_updated_timestamp > 0',
      "run_id = 'x'",
      'version_number = 1',
      'params.p = 1',
      `name = "o'clock"`,
    ])
      await find({ filter })
    const version = (query: object, token?: string) =>
      t.get('model-versions/search', query as never, { keep: versionNames, token })
    await version({})
    for (const max_results of [1, 0, -1, 200_000, 200_001, 'x', '']) await version({ max_results })
    for (const order_by of [
      'name',
      'name DESC',
      'version_number',
      'version_number DESC',
      'creation_timestamp',
      'creation_timestamp DESC',
      'last_updated_timestamp',
      'last_updated_timestamp ASC',
      'timestamp',
      'run_id',
      'version',
      'tags.team',
      'nonsense',
      'attribute.name',
      'attributes.version_number DESC',
      ['name', 'version_number'],
      ['version_number DESC', 'name DESC'],
      ['name', 'name'],
      'source_path',
      '`name`',
    ])
      await version({ order_by })
    await version({ max_results: 5 }, '$v2')
    await version({ max_results: 5, page_token: '$v2' }, '$v3')
    await version({ max_results: 5, page_token: '$v3' })
    await version({ max_results: 5, page_token: '$v2', order_by: ['name'] })
    for (const page_token of ['x', 'e30=', '']) await version({ page_token })
    for (const filter of [
      ...PROMPTS,
      ...grammarCases('name', 'version_number', 'al_pha'),
      ...grammarCases('tags.team', null, 'red'),
      ...grammarCases('run_id', null, 'none'),
      "run_id = '$r'",
      "run_id IN ('$r')",
      "run_id IN ('$r', 'x')",
      "run_id != '$r'",
      "run_id = ''",
      "run_id LIKE '%'",
      "source_path = 's3://b/6/0'",
      "source_path LIKE 's3://b/%'",
      "source_path IN ('s3://b/6/0')",
      "source_path != 'x'",
      "source = 'x'",
      'version_number = 2',
      'version_number >= 2',
      "version_number = '2'",
      'version = 2',
      'version_number IN (1, 2)',
      "current_stage = 'None'",
      "status = 'READY'",
      "model_id = 'x'",
      'creation_timestamp > 0',
      "tags.`a.b c` = 'y'",
      "tags.team = ''",
      "tags.team != 'red'",
      "name = 'Alpha' AND version_number > 0",
      "name IN ('alpha', 'al_pha') AND tags.team = 'red'",
      'attribute.version_number = 1',
      "attributes.run_id = '$r'",
    ])
      await version({ filter })
    const draw = new Draw(23)
    const textOf = () =>
      quoted(
        draw.one([
          'alpha',
          'Alpha',
          'beta',
          'al%',
          '%a%',
          'AL%',
          'red',
          'Blue',
          'blue',
          'x',
          'y',
          '',
          's3://b/%',
          'été',
        ]),
        draw,
      )
    const condition = (versions: boolean): string => {
      if (versions && draw.chance(0.25))
        return `version_number ${draw.one(['>', '>=', '<', '<=', '=', '!='])} ${draw.one(['0', '1', '2', '3', '-1'])}`
      const field = draw.one([
        'name',
        'attribute.name',
        'tags.team',
        'tag.team',
        'tags.`a.b c`',
        ...(versions ? ['source_path', 'run_id'] : []),
      ])
      return draw.chance(0.15)
        ? `name ${draw.one(['IN', 'NOT IN'])} (${textOf()}, ${textOf()})`
        : `${field} ${draw.one(['=', '!=', 'LIKE', 'ILIKE'])} ${textOf()}`
    }
    for (let round = 0; round < 90; round++) {
      const filter = (versions: boolean) => draw.many(1 + draw.below(3), () => condition(versions)).join(' AND ')
      await find({
        filter: filter(false),
        order_by: draw.one(['name', 'name DESC', 'timestamp DESC', 'last_updated_timestamp']),
      })
      await version({
        filter: filter(true),
        ...(draw.chance(0.5)
          ? { order_by: draw.one(['name', 'version_number DESC', 'creation_timestamp', 'name DESC']) }
          : {}),
      })
    }
    const pieces = [
      'name',
      'tags.team',
      'version_number',
      'run_id',
      '=',
      '!=',
      '>',
      'LIKE',
      'ILIKE',
      'IN',
      'NOT IN',
      'AND',
      "'red'",
      "'alpha'",
      '1',
      "('alpha', 'beta')",
      '(',
      ')',
      ';',
      'OR',
      ',',
      'IS NULL',
      'NOT',
    ]
    for (const filter of draw.many(60, () => soup(draw, pieces))) {
      await find({ filter })
      await version({ filter })
    }
  },
}

export const registrySearch = search
