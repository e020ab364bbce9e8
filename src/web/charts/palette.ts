const COLOURS = 10
const DASHES: number[][] = [[], [6, 4], [2, 3], [8, 3, 2, 3]]

/** The colour and dash of the n-th series: ten colours that colour-blind readers can tell apart, then line styles. */
export function seriesStyle(index: number): { colour: string; dash: number[] } {
  return {
    colour: token(`--series-${(index % COLOURS) + 1}`),
    dash: DASHES[Math.floor(index / COLOURS) % DASHES.length] ?? [],
  }
}

/** A number that a run (or anything with an id) keeps, so that it has the same colour everywhere. */
export function styleIndexOf(id: string): number {
  let hash = 2166136261
  for (const char of id) hash = Math.imul(hash ^ char.charCodeAt(0), 16777619)
  return (hash >>> 0) % COLOURS
}

/** The value of a colour role now; canvases cannot read CSS variables. */
export function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim()
}

/** Styles for things shown together: each its own by styleIndexOf, and where two would be alike the next free one. */
export function distinctStyles(ids: readonly string[]): Map<string, number> {
  const taken = new Set<number>()
  const styles = new Map<string, number>()
  for (const id of [...ids].sort()) {
    let index = styleIndexOf(id)
    for (let tries = 0; taken.has(index); tries++)
      index = tries < COLOURS - 1 && taken.size < COLOURS ? (index + 1) % COLOURS : index + 1
    taken.add(index)
    styles.set(id, index)
  }
  return styles
}
