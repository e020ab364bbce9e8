import { badRequest } from '../../../lib/errors.ts'

/** The binary tensor extension: raw little-endian values, row by row; BYTES as a 4-byte length and then the bytes of each. */

type Cell = {
  size: number
  read(view: DataView, at: number): unknown
  write(view: DataView, at: number, value: number): void
}

const whole = (value: bigint): unknown =>
  value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value

const CELLS: Record<string, Cell> = {
  BOOL: { size: 1, read: (view, at) => view.getUint8(at) !== 0, write: (view, at, value) => view.setUint8(at, value) },
  UINT8: { size: 1, read: (view, at) => view.getUint8(at), write: (view, at, value) => view.setUint8(at, value) },
  UINT16: {
    size: 2,
    read: (view, at) => view.getUint16(at, true),
    write: (view, at, value) => view.setUint16(at, value, true),
  },
  UINT32: {
    size: 4,
    read: (view, at) => view.getUint32(at, true),
    write: (view, at, value) => view.setUint32(at, value, true),
  },
  UINT64: {
    size: 8,
    read: (view, at) => whole(view.getBigUint64(at, true)),
    write: (view, at, value) => view.setBigUint64(at, BigInt(value), true),
  },
  INT8: { size: 1, read: (view, at) => view.getInt8(at), write: (view, at, value) => view.setInt8(at, value) },
  INT16: {
    size: 2,
    read: (view, at) => view.getInt16(at, true),
    write: (view, at, value) => view.setInt16(at, value, true),
  },
  INT32: {
    size: 4,
    read: (view, at) => view.getInt32(at, true),
    write: (view, at, value) => view.setInt32(at, value, true),
  },
  INT64: {
    size: 8,
    read: (view, at) => whole(view.getBigInt64(at, true)),
    write: (view, at, value) => view.setBigInt64(at, BigInt(value), true),
  },
  FP16: {
    size: 2,
    read: (view, at) => view.getFloat16(at, true),
    write: (view, at, value) => view.setFloat16(at, value, true),
  },
  FP32: {
    size: 4,
    read: (view, at) => view.getFloat32(at, true),
    write: (view, at, value) => view.setFloat32(at, value, true),
  },
  FP64: {
    size: 8,
    read: (view, at) => view.getFloat64(at, true),
    write: (view, at, value) => view.setFloat64(at, value, true),
  },
}

/** @throws AppError bad_request when the bytes are no whole number of values */
export function readBinary(bytes: Buffer, datatype: string, at: string): unknown[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const values: unknown[] = []
  const broken = () =>
    badRequest(
      `${at} holds ${bytes.length} bytes, which is no whole number of ${datatype} values.`,
      `${at}.parameters.binary_data_size`,
    )
  if (datatype === 'BYTES') {
    for (let place = 0; place < bytes.length; ) {
      if (place + 4 > bytes.length) throw broken()
      const end = place + 4 + view.getUint32(place, true)
      if (end > bytes.length) throw broken()
      values.push(bytes.toString('utf8', place + 4, end))
      place = end
    }
    return values
  }
  const cell = CELLS[datatype]
  if (cell === undefined || bytes.length % cell.size !== 0) throw broken()
  for (let place = 0; place < bytes.length; place += cell.size) values.push(cell.read(view, place))
  return values
}

/** Values that `outputTensors` made; null (not a number) becomes NaN. */
export function writeBinary(values: readonly unknown[], datatype: string): Buffer {
  const cell = CELLS[datatype]
  if (cell === undefined) {
    return Buffer.concat(
      values.flatMap((value) => {
        const text = Buffer.from(String(value), 'utf8')
        const length = Buffer.alloc(4)
        length.writeUInt32LE(text.length)
        return [length, text]
      }),
    )
  }
  const bytes = Buffer.alloc(values.length * cell.size)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (const [i, value] of values.entries())
    cell.write(view, i * cell.size, value === null ? Number.NaN : Number(value))
  return bytes
}
