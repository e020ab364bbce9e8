import { expect, it } from 'vitest'
import { createGate } from './gate.ts'

it('runs few at a time, in the order they came, and refuses what is too much', async () => {
  const gate = createGate(2, 3, 'too many')
  const log: string[] = []
  let atOnce = 0
  const work = (name: string) =>
    gate(async () => {
      expect(++atOnce).toBeLessThanOrEqual(2)
      log.push(name)
      await new Promise((resolve) => setTimeout(resolve, 5))
      atOnce -= 1
      if (name === 'b') throw new Error('failed')
    })
  const all = await Promise.allSettled(['a', 'b', 'c', 'd', 'e', 'f'].map(work))
  expect(all.map((one) => (one.status === 'rejected' ? String(one.reason.message) : 'done'))).toEqual([
    'done',
    'failed',
    'done',
    'done',
    'done',
    'too many',
  ])
  expect(log).toEqual(['a', 'b', 'c', 'd', 'e'])
  await work('again')
})
