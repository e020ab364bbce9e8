const Z_95 = 1.959963984540054

/** Wilson's 95 % interval of a share: where the true one may well lie, given so few cases. */
export function wilson(share: number, count: number): [low: number, high: number] {
  if (count <= 0) return [0, 1]
  const z2 = Z_95 ** 2
  const middle = (share + z2 / (2 * count)) / (1 + z2 / count)
  const half = (Z_95 / (1 + z2 / count)) * Math.sqrt((share * (1 - share)) / count + z2 / (4 * count * count))
  return [Math.max(0, middle - half), Math.min(1, middle + half)]
}

/** The two ends of an interval of the API. */
export function bounds(interval: readonly number[]): [low: number, high: number] {
  return [interval[0] ?? Number.NaN, interval[1] ?? Number.NaN]
}
