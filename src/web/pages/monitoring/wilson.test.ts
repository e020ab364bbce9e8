import { expect, test } from 'vitest'
import { wilson } from './wilson.ts'

test('the interval of a share narrows with the cases and never leaves 0 to 1', () => {
  const [low, high] = wilson(0.8, 100)
  expect(low).toBeCloseTo(0.7112, 4)
  expect(high).toBeCloseTo(0.8666, 4)
  expect(wilson(1, 10)).toEqual([expect.closeTo(0.7225, 4), expect.closeTo(1, 12)])
  expect(wilson(1, 10)[1]).toBeLessThanOrEqual(1)
  expect(wilson(0.5, 0)).toEqual([0, 1])
})
