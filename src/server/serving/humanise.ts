/** `hours_per_week` → `Hours per week`, `petalWidth` → `Petal width`, `sepal length (cm)` stays as it reads. */
export function humanise(name: string): string {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, (_, before: string, after: string) => `${before} ${after.toLowerCase()}`)
    .replace(/[_\-.\s]+/g, ' ')
    .trim()
  return words === '' ? name : words.charAt(0).toUpperCase() + words.slice(1)
}

let numbers: Intl.NumberFormat | undefined

/** A number for a sentence: `1,234.5`. */
export function shownNumber(value: number): string {
  // Made here and not above: the first one loads the languages' rules, which a start need not wait for.
  numbers ??= new Intl.NumberFormat('en-US', { maximumSignificantDigits: 6 })
  return numbers.format(value)
}

/** A step of 1, 2 or 5 times a power of ten that cuts `range` into some hundred parts; 1 for a range of nothing. */
export function niceStep(range: number): number {
  if (!(range > 0) || !Number.isFinite(range)) return 1
  const rough = range / 100
  const power = 10 ** Math.floor(Math.log10(rough))
  const factor = rough / power >= 5 ? 5 : rough / power >= 2 ? 2 : 1
  return Number((factor * power).toPrecision(1))
}
