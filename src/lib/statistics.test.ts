import { describe, expect, it } from 'vitest'
import { comparePaired, wilsonInterval } from './statistics.ts'

describe('wilsonInterval', () => {
  // Newcombe 1998, Statistics in Medicine 17:857, table I, method 3.
  it.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ])('%i of %i', (successes, total, lo, hi) => {
    const interval = wilsonInterval(successes, total)
    expect(interval[0]).toBeCloseTo(lo, 4)
    expect(interval[1]).toBeCloseTo(hi, 4)
  })

  it('stays inside 0 and 1, and is symmetric', () => {
    expect(wilsonInterval(20, 20)[1]).toBeLessThanOrEqual(1)
    const [lo, hi] = wilsonInterval(3, 11)
    const [mirroredLo, mirroredHi] = wilsonInterval(8, 11)
    expect(lo).toBeCloseTo(1 - mirroredHi, 12)
    expect(hi).toBeCloseTo(1 - mirroredLo, 12)
  })

  it('refuses what is no proportion', () => {
    expect(() => wilsonInterval(0, 0)).toThrow(RangeError)
    expect(() => wilsonInterval(3, 2)).toThrow(RangeError)
  })
})

/** Rows by outcome: both right, only the first, only the second, neither. */
function rows(both: number, only1: number, only2: number, neither: number): [boolean[], boolean[]] {
  const pairs = [
    ...Array<[boolean, boolean]>(both).fill([true, true]),
    ...Array<[boolean, boolean]>(only1).fill([true, false]),
    ...Array<[boolean, boolean]>(only2).fill([false, true]),
    ...Array<[boolean, boolean]>(neither).fill([false, false]),
  ]
  return [pairs.map((pair) => pair[0]), pairs.map((pair) => pair[1])]
}

describe('comparePaired', () => {
  it('gives the published interval of the prime minister’s two approval ratings (Agresti, Categorical Data Analysis)', () => {
    const result = comparePaired(...rows(794, 150, 86, 570))
    expect(result).toMatchObject({ rows: 1600, first: 0.59, second: 0.55 })
    expect(result.difference).toBeCloseTo(-0.04, 12)
    expect(result.interval[0]).toBeCloseTo(-0.0587, 4)
    expect(result.interval[1]).toBeCloseTo(-0.0212, 4)
  })

  it('does not claim certainty when no row tells them apart', () => {
    const result = comparePaired(...rows(12, 0, 0, 8))
    expect(result.difference).toBe(0)
    expect(result.interval[0]).toBeCloseTo(-0.0891, 4)
    expect(result.interval[1]).toBeCloseTo(0.0891, 4)
  })

  it('is narrower than the difference of two separate accuracies', () => {
    const { interval } = comparePaired(...rows(440, 5, 45, 10))
    expect(interval[0]).toBeGreaterThan(0)
    const separate = Math.sqrt((0.89 * 0.11) / 500 + (0.97 * 0.03) / 500) * 2 * 1.96
    expect(interval[1] - interval[0]).toBeLessThan(separate)
  })

  it('needs the same rows', () => {
    expect(() => comparePaired([true], [])).toThrow(RangeError)
    expect(() => comparePaired([], [])).toThrow(RangeError)
  })
})
