import { describe, expect, it } from 'vitest'
import type { Span } from '../../api/types.ts'
import { previewText, spanRows, totalMs, valueText } from './span-tree.ts'

const span = (id: string, parent: string | null, start = 0, duration: number | null = 1): Span => ({
  id,
  parent_id: parent,
  name: id,
  type: 'UNKNOWN',
  status: 'OK',
  message: null,
  start_ms: start,
  duration_ms: duration,
  inputs: null,
  outputs: null,
  attributes: {},
  events: [],
})

describe('spanRows', () => {
  const outline = (spans: Span[]) => spanRows(spans).map(({ span, depth }) => `${'-'.repeat(depth)}${span.id}`)

  it('puts children below their parent, in their order', () => {
    const spans = [span('a', null), span('b', 'a'), span('c', 'b'), span('d', 'a')]
    expect(outline(spans)).toEqual(['a', '-b', '--c', '-d'])
  })

  it('loses no span: missing parents, circles, and one that is its own parent', () => {
    expect(outline([span('a', 'gone'), span('b', 'a'), span('x', 'y'), span('y', 'x'), span('z', 'z')])).toEqual([
      'a',
      '-b',
      'z',
      'x',
      'y',
    ])
  })

  it('takes a chain of any depth', () => {
    const chain = Array.from({ length: 20_000 }, (_, index) => span(`${index}`, index === 0 ? null : `${index - 1}`))
    expect(spanRows(chain).at(-1)?.depth).toBe(19_999)
  })
})

it('totals, values and previews', () => {
  expect(totalMs([span('a', null, 0, null), span('b', 'a', 5, 20)])).toBe(25)
  expect(totalMs([])).toBeGreaterThan(0)
  expect([valueText('x'), valueText({ a: 1 })]).toEqual(['x', '{\n  "a": 1\n}'])
  expect([previewText('"why"'), previewText('{"a": 1}'), previewText('{"cut'), previewText(null)]).toEqual([
    'why',
    '{"a": 1}',
    '{"cut',
    '',
  ])
})
