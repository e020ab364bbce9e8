import { describe, expect, it } from 'vitest'
import { isHeldOut, sameOutcome } from './truth.ts'

describe('sameOutcome', () => {
  it.each([
    ['>50K', '>50K', true],
    [1, '1', true],
    [1, 1, true],
    [1.0, 1, true],
    [true, 'true', true],
    ['a', 'A', false],
    [0, false, false],
    [null, 'null', false],
    [{ a: 1, b: [2] }, { b: [2], a: 1 }, true],
    [[1, 2], [2, 1], false],
    [[1], '1', false],
  ])('%j and %j: %s', (predicted, truth, same) => {
    expect(sameOutcome(predicted, truth)).toBe(same)
  })
})

describe('isHeldOut', () => {
  it('always says the same of the same prediction, and keeps about its share', () => {
    const ids = Array.from({ length: 10_000 }, (_, i) => JSON.stringify({ age: i, colour: 'red' }))
    const held = ids.filter((id) => isHeldOut(id, 0.3))
    expect(held.length / ids.length).toBeCloseTo(0.3, 1)
    expect(ids.filter((id) => isHeldOut(id, 0.3))).toEqual(held)
    expect(held.every((id) => isHeldOut(JSON.stringify({ colour: 'red', age: JSON.parse(id).age }), 0.3))).toBe(true)
    // A larger share holds out the same ones and some more.
    expect(held.every((id) => isHeldOut(id, 0.5))).toBe(true)
    expect(ids.filter((id) => isHeldOut(id, 0))).toEqual([])
    expect(ids.every((id) => isHeldOut(id, 1))).toBe(true)
  })
})
