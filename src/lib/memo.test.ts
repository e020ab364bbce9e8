import { expect, test } from 'vitest'
import { createMemo } from './memo.ts'

function counting() {
  let at = 0
  let version = 1
  let loads = 0
  const memo = createMemo(
    1_000,
    () => at,
    () => version,
  )
  return {
    memo,
    loads: () => loads,
    pass: (ms: number) => {
      at += ms
    },
    changeElsewhere: () => {
      version += 1
    },
    load: async () => `answer ${++loads}`,
  }
}

test('an answer is remembered until its time is over, it is forgotten, or another process changed the store', async () => {
  const { memo, load, pass, changeElsewhere } = counting()
  expect([await memo.get('a', load), await memo.get('a', load)]).toEqual(['answer 1', 'answer 1'])
  pass(1_000)
  expect(await memo.get('a', load)).toBe('answer 2')
  memo.forget()
  expect(await memo.get('a', load)).toBe('answer 3')
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
