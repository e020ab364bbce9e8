import { CORNERS, cornerPlaces, FIELDS } from './summary.ts'

/**
 * Gathers points, and keeps the corners of every stretch of about `stretch` of them. Points are rows of numbers, not
 * objects: a chart of hundreds of runs has a million of them.
 */
export class Thinner {
  readonly #stretch: number
  readonly #open = new Row()
  readonly #kept = new Row()
  #weight = 0

  constructor(stretch: number) {
    this.#stretch = stretch
  }

  /** One point. */
  add(step: number, timestampMs: number, value: number): void {
    this.#open.push(step, timestampMs, value)
    this.#weigh(1)
  }

  /** The corners in a row from a place on, which stand for `weight` points and come into one stretch together. */
  addCorners(row: Float64Array, from: number, weight: number): void {
    this.#open.append(row, from, from + CORNERS * FIELDS)
    this.#weigh(weight)
  }

  /** What is kept, as a row of numbers. */
  done(): Float64Array {
    this.#close()
    return this.#kept.numbers()
  }

  #weigh(weight: number): void {
    this.#weight += weight
    if (this.#weight >= this.#stretch) this.#close()
  }

  #close(): void {
    const row = this.#open.numbers()
    if (row.length <= CORNERS * FIELDS) this.#kept.append(row, 0, row.length)
    else for (const place of new Set(cornerPlaces(row))) this.#kept.append(row, place, place + FIELDS)
    this.#open.clear()
    this.#weight = 0
  }
}

/** Points one behind the other, as many as come. */
class Row {
  #space = new Float64Array(64 * FIELDS)
  #length = 0

  push(step: number, timestampMs: number, value: number): void {
    if (this.#length + FIELDS > this.#space.length) this.#grow(FIELDS)
    this.#space[this.#length] = step
    this.#space[this.#length + 1] = timestampMs
    this.#space[this.#length + 2] = value
    this.#length += FIELDS
  }

  append(row: Float64Array, from: number, to: number): void {
    if (this.#length + to - from > this.#space.length) this.#grow(to - from)
    for (let at = from; at < to; at++) this.#space[this.#length++] = row[at] as number
  }

  numbers(): Float64Array {
    return this.#space.subarray(0, this.#length)
  }

  clear(): void {
    this.#length = 0
  }

  #grow(by: number): void {
    const wider = new Float64Array(2 * this.#space.length + by)
    wider.set(this.#space)
    this.#space = wider
  }
}
