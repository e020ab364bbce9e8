import { expect, test } from 'vitest'
import { stringifyMessage } from '../../../lib/json.ts'
import { LongList } from './long-list.ts'

async function text(batches: object[][], rest: object): Promise<string> {
  async function* each() {
    for (const batch of batches) yield batch.map(stringifyMessage).join(',')
  }
  let whole = ''
  for await (const piece of new LongList('runs', each(), rest).text()) whole += piece
  return whole
}

test('a list in pieces is the same text as the whole message', async () => {
  const cases: [object[][], object][] = [
    [[], {}],
    [[[], []], { next_page_token: 'x' }],
    [[[{ a: 1 }]], {}],
    [[[{ a: 'x]}' }, {}], [], [{ b: Number.NaN }]], { next_page_token: null }],
    [[[{ a: 1 }], [{ a: 2 }, { a: [] }]], { next_page_token: 'x' }],
  ]
  for (const [batches, rest] of cases)
    expect(await text(batches, rest)).toBe(stringifyMessage({ runs: batches.flat(), ...rest }))
})
