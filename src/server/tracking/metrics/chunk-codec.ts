import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import type { PointColumns } from '../../../db/tables/tracking.ts'

/**
 * How sealed points are kept: steps and times as differences of differences in variable length, values as doubles whose
 * bytes lie plane by plane (neighbours share sign and exponent), the whole squeezed by zstd. About 9 bytes a point for
 * noise, 2 for a constant. The idea is that of Gorilla (Pelkonen et al., VLDB 2015) with a general compressor in the end.
 *
 * Layout before compression: count, then steps, times (each: first value, first difference, differences of differences;
 * zigzag varints; or, when one is beyond 2^50, plain little-endian int64), then 8 planes of `count` bytes. NaN is a NaN.
 */

/** Points of one chunk, column by column, in the order (step, time, value). */
export type Columns = {
  readonly length: number
  readonly steps: ArrayLike<number | bigint>
  readonly times: ArrayLike<number | bigint>
  /** May hold NaN. */
  readonly values: Float64Array
}

const PLAIN = 0
const WIDE = 1
/** Differences of differences of numbers below this stay exact. */
const NARROW_LIMIT = 2 ** 50

const isNarrow = (value: number | bigint) =>
  typeof value === 'number' && value <= NARROW_LIMIT && value >= -NARROW_LIMIT

export function encodeChunk(points: readonly PointColumns[]): Buffer {
  const count = points.length
  const narrow = points.every((point) => isNarrow(point.step) && isNarrow(point.timestamp_ms))
  const writer = new Writer(16 + count * 36)
  writer.byte(narrow ? PLAIN : WIDE)
  writer.varint(count)
  for (const column of ['step', 'timestamp_ms'] as const) {
    if (narrow) writer.differences(points, column)
    else for (const point of points) writer.int64(BigInt(point[column]))
  }
  writer.planes(points)
  return zstdCompressSync(writer.bytes(), { params: { [constants.ZSTD_c_compressionLevel]: 3 } })
}

/** @throws Error when the bytes are no chunk: the database was damaged */
export function decodeChunk(data: Uint8Array): Columns {
  const bytes = zstdDecompressSync(data)
  const reader = new Reader(bytes)
  const kind = reader.byte()
  const count = reader.varint()
  if (kind !== PLAIN && kind !== WIDE) throw new Error(`This metric chunk has an unknown form (${kind}).`)
  const column = () => (kind === PLAIN ? reader.differences(count) : reader.int64s(count))
  const steps = column()
  const times = column()
  return { length: count, steps, times, values: reader.planes(count) }
}

class Writer {
  readonly #buffer: Buffer
  #at = 0

  constructor(capacity: number) {
    this.#buffer = Buffer.allocUnsafe(capacity)
  }

  byte(value: number): void {
    this.#buffer[this.#at++] = value
  }

  varint(value: number): void {
    let rest = value
    while (rest >= 128) {
      this.#buffer[this.#at++] = (rest % 128) + 128
      rest = Math.floor(rest / 128)
    }
    this.#buffer[this.#at++] = rest
  }

  int64(value: bigint): void {
    this.#at = this.#buffer.writeBigInt64LE(value, this.#at)
  }

  differences(points: readonly PointColumns[], column: 'step' | 'timestamp_ms'): void {
    let before = 0
    let difference = 0
    for (const [index, point] of points.entries()) {
      const value = point[column] as number
      const next = value - before
      const change = index < 2 ? next : next - difference
      this.varint(change < 0 ? -2 * change - 1 : 2 * change)
      difference = next
      before = value
    }
  }

  planes(points: readonly PointColumns[]): void {
    const values = Float64Array.from(points, (point) => (point.is_nan === 1 ? Number.NaN : point.value))
    const raw = new Uint8Array(values.buffer)
    for (let plane = 0; plane < 8; plane++) {
      for (let i = plane; i < raw.length; i += 8) this.#buffer[this.#at++] = raw[i] as number
    }
  }

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#at)
  }
}

class Reader {
  readonly #buffer: Buffer
  #at = 0

  constructor(buffer: Buffer) {
    this.#buffer = buffer
  }

  byte(): number {
    return this.#buffer[this.#at++] ?? -1
  }

  varint(): number {
    let value = 0
    let scale = 1
    for (;;) {
      const byte = this.#buffer[this.#at++] as number
      if (byte < 128) return value + byte * scale
      value += (byte - 128) * scale
      scale *= 128
    }
  }

  differences(count: number): Float64Array {
    const values = new Float64Array(count)
    let before = 0
    let difference = 0
    for (let index = 0; index < count; index++) {
      const coded = this.varint()
      const change = coded % 2 === 1 ? -(coded + 1) / 2 : coded / 2
      difference = index < 2 ? change : difference + change
      before += difference
      values[index] = before
    }
    return values
  }

  int64s(count: number): BigInt64Array {
    const values = new BigInt64Array(count)
    for (let index = 0; index < count; index++, this.#at += 8) values[index] = this.#buffer.readBigInt64LE(this.#at)
    return values
  }

  planes(count: number): Float64Array {
    const values = new Float64Array(count)
    const raw = new Uint8Array(values.buffer)
    for (let plane = 0; plane < 8; plane++) {
      for (let i = plane; i < raw.length; i += 8) raw[i] = this.#buffer[this.#at++] as number
    }
    return values
  }
}
