import { describe, expect, test } from 'vitest'
import { decodePageToken, encodePageToken } from './page-token.ts'
import { parseFilter, parseOrderBy } from './search-filter.ts'

describe('parseFilter', () => {
  test('reads comparisons joined by AND in any case', () => {
    expect(parseFilter('metrics.acc > 0.8 and params.model = \'tree\' AND tags.`a b`!="x"')).toEqual([
      { entity: 'metrics', key: 'acc', operator: '>', value: { kind: 'number', number: 0.8, text: '0.8' } },
      { entity: 'params', key: 'model', operator: '=', value: { kind: 'text', text: 'tree' } },
      { entity: 'tags', key: 'a b', operator: '!=', value: { kind: 'text', text: 'x' } },
    ])
  })

  test('keeps dots, slashes and non-ASCII letters in keys, quoted or not', () => {
    const keys = [
      'tags.mlflow.source.name',
      'metrics.val/loss',
      'metrics.été',
      'metrics.2nd',
      'tags."mlflow.parentRunId"',
    ]
    expect(keys.map((key) => parseFilter(`${key} = 'x'`)[0]?.key)).toEqual([
      'mlflow.source.name',
      'val/loss',
      'été',
      '2nd',
      'mlflow.parentRunId',
    ])
    expect(parseFilter("`run name` = 'x'")[0]).toMatchObject({ entity: '', key: 'run name' })
    expect(parseFilter("metrics.'a b' = 1")[0]?.key).toBe('a b')
  })

  test('reads numbers of every spelling', () => {
    for (const [text, number] of [
      ['-1', -1],
      ['1e-3', 0.001],
      ['.5', 0.5],
      ['3.', 3],
      ['+2E2', 200],
    ] as const) {
      expect(parseFilter(`metrics.a<=${text}`)[0]).toMatchObject({ operator: '<=', value: { kind: 'number', number } })
    }
  })

  test('reads lists, LIKE and NULL operators', () => {
    expect(parseFilter('run_id in (\'a\', "b",)')[0]).toMatchObject({
      operator: 'IN',
      value: { kind: 'list', items: ['a', 'b'] },
    })
    expect(parseFilter("run_id NOT  IN ('a')")[0]).toMatchObject({ operator: 'NOT IN' })
    expect(parseFilter("tags.x ilike '%É_'")[0]).toMatchObject({ operator: 'ILIKE', value: { text: '%É_' } })
    expect(parseFilter('tags.x is null and params.y IS NOT NULL').map((c) => c.operator)).toEqual([
      'IS NULL',
      'IS NOT NULL',
    ])
    expect(parseFilter("name = 'it''s; AND (x)'")[0]).toMatchObject({ value: { text: "it''s; AND (x)" } })
  })

  test('refuses what is no conjunction of comparisons', () => {
    const wrong = [
      'metrics.a > 1 OR metrics.b > 2',
      'NOT metrics.a > 1',
      '(metrics.a > 1)',
      "name = 'a'; DROP TABLE runs",
      'metrics.a >',
      'metrics.a',
      'metrics. > 1',
      "name = 'open",
      'name = unquoted',
      "name == 'a'",
      "name <> 'a'",
      'metrics.a > 1 AND > 2',
      'run_id IN ()',
      'run_id IN (1)',
      'tags.x IS',
      "'a' = 'b'",
      '> 1',
      'metrics.a > 1x',
    ]
    for (const text of wrong) expect(() => parseFilter(text), text).toThrow(/Invalid filter/)
  })

  test('takes an AND too many, or none between two comparisons, as MLflow does', () => {
    for (const text of ["AND a = '1' AND AND b = '2' and", "a = '1' b = '2'"])
      expect(parseFilter(text).map((comparison) => comparison.key)).toEqual(['a', 'b'])
  })

  test('takes no text for no comparison, and bounds length and number', () => {
    expect(parseFilter('')).toEqual([])
    expect(parseFilter('  \n')).toEqual([])
    expect(() => parseFilter(Array(101).fill('metrics.a > 1').join(' AND '))).toThrow(/more than 100/)
    expect(() => parseFilter(' '.repeat(100_001))).toThrow(/longer/)
  })

  test('is linear: hostile texts of the greatest length take no time', () => {
    const started = performance.now()
    for (const text of [
      "'".repeat(99_999),
      'a'.repeat(99_999),
      `${'a.'.repeat(49_000)}`,
      '1'.repeat(99_999),
      `metrics.a > ${'9'.repeat(90_000)}x`,
      ' '.repeat(99_998),
    ]) {
      try {
        parseFilter(text)
      } catch {}
    }
    expect(performance.now() - started).toBeLessThan(1_000)
  })
})

describe('parseOrderBy', () => {
  test('reads direction and names', () => {
    expect(parseOrderBy(['metrics.acc DESC', 'start_time', 'params.`a b` asc'])).toEqual([
      { entity: 'metrics', key: 'acc', descending: true },
      { entity: '', key: 'start_time', descending: false },
      { entity: 'params', key: 'a b', descending: false },
    ])
  })

  test('refuses unknown directions and doubles', () => {
    for (const clauses of [['metrics.a UP'], ['metrics.a, metrics.b'], [''], ['name ASC', 'name DESC']])
      expect(() => parseOrderBy(clauses)).toThrow(/order_by/)
  })
})

test('page tokens survive the way and nothing else is taken', () => {
  expect(decodePageToken(encodePageToken(50))).toBe(50)
  expect(decodePageToken('')).toBe(0)
  for (const token of [
    'x',
    '%%%',
    Buffer.from('{"offset":-1}').toString('base64'),
    Buffer.from('{"offset":"1"}').toString('base64'),
  ]) {
    expect(() => decodePageToken(token)).toThrow(/page token/)
  }
})
