import { expect, test } from 'vitest'
import { createMemo } from './memo.ts'

function counting() {
  let at = 0
  let mark = 1
  let loads = 0
  const changeElsewhere = () => {
    mark += 1
  }
  const memo = createMemo(1_000, () => at, { read: () => mark, change: changeElsewhere })
  return {
    memo,
    loads: () => loads,
    pass: (ms: number) => {
      at += ms
    },
    changeElsewhere,
    mark: () => mark,
    load: async () => `answer ${++loads}`,
  }
}

test('an answer is remembered until its time is over, it is forgotten, or another process changed the store', async () => {
  const { memo, load, pass, changeElsewhere, mark } = counting()
  expect([await memo.get('a', load), await memo.get('a', load)]).toEqual(['answer 1', 'answer 1'])
  pass(1_000)
  expect(await memo.get('a', load)).toBe('answer 2')
  memo.forget()
  expect(await memo.get('a', load)).toBe('answer 3')
  expect(mark()).toBe(2) // so that other processes forget, too
  changeElsewhere()
  expect(await memo.get('a', load)).toBe('answer 4')
})

test('what was read while something changed, and nothing at all, are not remembered', async () => {
  const { memo, load, loads } = counting()
  const slow = memo.get('a', async () => {
    const answer = await load()
    memo.forget()
    return answer
  })
  expect(await slow).toBe('answer 1')
  expect(await memo.get('a', load)).toBe('answer 2')
  const nothing = () => load().then(() => null)
  await memo.get('none', nothing)
  await memo.get('none', nothing)
  expect(loads()).toBe(4)
})
