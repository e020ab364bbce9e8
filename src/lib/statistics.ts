/** The 97.5 % quantile of the normal distribution: what two-sided 95 % intervals are made with. */
export const Z_95 = 1.959963984540054

export type Interval = [lo: number, hi: number]

/**
 * Wilson's 95 % score interval of a proportion. Unlike the textbook interval it stays inside 0 and 1 and holds its
 * promise for few samples and for proportions near the ends.
 * @throws RangeError unless 0 ≤ successes ≤ total and total > 0
 */
export function wilsonInterval(successes: number, total: number, z: number = Z_95): Interval {
  if (!(total > 0) || successes < 0 || successes > total)
    throw new RangeError(`${successes} of ${total} is no proportion`)
  const share = successes / total
  const denominator = 1 + z ** 2 / total
  const centre = (share + z ** 2 / (2 * total)) / denominator
  const half = (z / denominator) * Math.sqrt((share * (1 - share)) / total + z ** 2 / (4 * total ** 2))
  return [Math.max(0, centre - half), Math.min(1, centre + half)]
}

export type PairedComparison = {
  rows: number
  /** Shares of rows that the first and the second got right. */
  first: number
  second: number
  /** second − first. */
  difference: number
  interval: Interval
}

/** How the interval of a paired comparison is made, in words for a report. */
export const PAIRED_METHOD =
  '95 % interval for the difference of paired proportions (Agresti and Min 2005: half a row added to each of the four outcomes)'

/**
 * Compares two answers to the same rows. Only rows on which exactly one is right tell them apart (as in McNemar's test), so
 * the interval is far narrower than that of two independent accuracies.
 * @throws RangeError when the lists differ in length or are empty
 */
export function comparePaired(
  first: readonly boolean[],
  second: readonly boolean[],
  z: number = Z_95,
): PairedComparison {
  if (first.length !== second.length || first.length === 0)
    throw new RangeError('a paired comparison needs the same rows for both, at least one')
  const rows = first.length
  let right1 = 0
  let right2 = 0
  let only1 = 0
  let only2 = 0
  for (let i = 0; i < rows; i++) {
    if (first[i] === true) right1 += 1
    if (second[i] === true) right2 += 1
    if (first[i] === true && second[i] !== true) only1 += 1
    if (second[i] === true && first[i] !== true) only2 += 1
  }
  const n = rows + 2
  const centre = (only2 - only1) / n
  const half = (z / n) * Math.sqrt(only1 + only2 + 1 - (only2 - only1) ** 2 / n)
  return {
    rows,
    first: right1 / rows,
    second: right2 / rows,
    difference: (only2 - only1) / rows,
    interval: [Math.max(-1, centre - half), Math.min(1, centre + half)],
  }
}
