import { expect, test } from 'vitest'
import { chosenColumns, isShown, withColumn } from './chosen-columns.ts'

const loss = { id: 'metrics.loss' }
const depth = { id: 'params.depth', hidden: true }

test('a choice holds, whatever the table shows by itself', () => {
  const chosen = chosenColumns('params.depth,-metrics.loss')
  for (const hidden of [true, false]) {
    expect(isShown({ ...depth, hidden }, chosen)).toBe(true)
    expect(isShown({ ...loss, hidden }, chosen)).toBe(false)
  }
  expect([isShown(loss, chosenColumns('')), isShown(depth, chosenColumns(''))]).toEqual([true, false])
})

test('the address names what differs from what the table shows by itself', () => {
  const shown = withColumn(chosenColumns(''), depth, true)
  expect(shown).toBe('params.depth')
  const both = withColumn(chosenColumns(shown), loss, false)
  expect(both).toBe('params.depth,-metrics.loss')
  expect(withColumn(chosenColumns(both), depth, false)).toBe('-metrics.loss')
  expect(withColumn(chosenColumns('-metrics.loss'), loss, true)).toBe('')
})
