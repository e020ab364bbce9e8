import type { PointColumns } from '../../../db/tables/tracking.ts'

/**
 * How points are kept until they are sealed: 24 bytes each, one behind the other in the order in which they came, so that
 * an engine can put new ones behind those that are there. Little-endian: step and time as int64, the value as a double
 * (NaN is a NaN).
 */
const POINT_BYTES = 24

export function encodeTail(points: readonly PointColumns[]): Buffer {
  const buffer = Buffer.allocUnsafe(points.length * POINT_BYTES)
  let at = 0
  for (const { step, timestamp_ms, value, is_nan } of points) {
    writeInt64(buffer, step, at)
    writeInt64(buffer, timestamp_ms, at + 8)
    buffer.writeDoubleLE(is_nan === 1 ? Number.NaN : value, at + 16)
    at += POINT_BYTES
  }
  return buffer
}

/** @throws Error when the bytes are no points: the database was damaged */
export function decodeTail(data: Uint8Array): PointColumns[] {
  if (data.length % POINT_BYTES !== 0) throw new Error(`A piece of a metric's tail has an odd length (${data.length}).`)
  const buffer = Buffer.from(data.buffer, data.byteOffset, data.length)
  const points: PointColumns[] = new Array(data.length / POINT_BYTES)
  for (let i = 0, at = 0; i < points.length; i++, at += POINT_BYTES) {
    const value = buffer.readDoubleLE(at + 16)
    const nan = Number.isNaN(value)
    points[i] = {
      step: readInt64(buffer, at),
      timestamp_ms: readInt64(buffer, at + 8),
      value: nan ? 0 : value,
      is_nan: nan ? 1 : 0,
    }
  }
  return points
}

/** How many bytes so many points take. */
export function tailBytes(points: number): number {
  return points * POINT_BYTES
}

function writeInt64(buffer: Buffer, value: number | bigint, at: number): void {
  if (typeof value === 'bigint') {
    buffer.writeBigInt64LE(value, at)
    return
  }
  const high = Math.floor(value / 2 ** 32)
  buffer.writeUInt32LE(value - high * 2 ** 32, at)
  buffer.writeInt32LE(high, at + 4)
}

/** A number where that is exact. */
function readInt64(buffer: Buffer, at: number): number | bigint {
  const value = buffer.readInt32LE(at + 4) * 2 ** 32 + buffer.readUInt32LE(at)
  return Number.isSafeInteger(value) ? value : buffer.readBigInt64LE(at)
}
