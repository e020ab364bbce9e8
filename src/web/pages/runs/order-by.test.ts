import { expect, test } from 'vitest'
import { orderBy } from './order-by.ts'

test('a sort becomes a clause of the MLflow grammar', () => {
  expect(orderBy('-metrics.accuracy')).toBe('metrics.accuracy DESC')
  expect(orderBy('metrics.val/acc')).toBe('metrics.`val/acc` ASC')
  expect(orderBy('params.model.depth')).toBe('params.`model.depth` ASC')
  expect(orderBy('')).toBe('')
})
