import { BinaryWriter } from '@bufbuild/protobuf/wire'

/** OpenTelemetry spans as an exporter writes them: protobuf made field by field, so that tests can write wrong ones too. */
export type TestSpan = {
  traceId: string
  spanId: string
  parentId?: string
  name: string
  startMs?: number
  endMs?: number
  error?: boolean
  attributes?: Record<string, unknown>
}

/** An ExportTraceServiceRequest with one resource. */
export function exportRequest(spans: readonly TestSpan[], resource: Record<string, unknown> = {}): Uint8Array {
  const scope = new BinaryWriter()
  for (const span of spans) scope.tag(2, 2).bytes(spanMessage(span))
  const resourceSpans = new BinaryWriter()
  const attributes = new BinaryWriter()
  writeAttributes(attributes, 1, resource)
  resourceSpans.tag(1, 2).bytes(attributes.finish())
  resourceSpans.tag(2, 2).bytes(scope.finish())
  return new BinaryWriter().tag(1, 2).bytes(resourceSpans.finish()).finish()
}

function spanMessage(span: TestSpan): Uint8Array {
  const { startMs = 1_000, endMs = 1_250 } = span
  const writer = new BinaryWriter()
  writer.tag(1, 2).bytes(Buffer.from(span.traceId, 'hex'))
  writer.tag(2, 2).bytes(Buffer.from(span.spanId, 'hex'))
  if (span.parentId !== undefined) writer.tag(4, 2).bytes(Buffer.from(span.parentId, 'hex'))
  writer.tag(5, 2).string(span.name)
  writer.tag(6, 0).int32(1)
  writer.tag(7, 1).fixed64(BigInt(startMs) * 1_000_000n + 1n)
  writer.tag(8, 1).fixed64(BigInt(endMs) * 1_000_000n)
  writeAttributes(writer, 9, span.attributes ?? {})
  const status = new BinaryWriter().tag(3, 0).int32(span.error === true ? 2 : 1)
  writer.tag(15, 2).bytes(status.finish())
  writer.tag(999, 2).string('a field of a later version')
  return writer.finish()
}

function writeAttributes(writer: BinaryWriter, field: number, attributes: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(attributes)) {
    const pair = new BinaryWriter().tag(1, 2).string(key).tag(2, 2).bytes(anyValue(value))
    writer.tag(field, 2).bytes(pair.finish())
  }
}

function anyValue(value: unknown): Uint8Array {
  const writer = new BinaryWriter()
  if (typeof value === 'string') writer.tag(1, 2).string(value)
  else if (typeof value === 'boolean') writer.tag(2, 0).bool(value)
  else if (typeof value === 'bigint') writer.tag(3, 0).int64(value)
  else if (typeof value === 'number') writer.tag(4, 1).double(value)
  else if (Array.isArray(value)) {
    const list = new BinaryWriter()
    for (const item of value) list.tag(1, 2).bytes(anyValue(item))
    writer.tag(5, 2).bytes(list.finish())
  } else if (typeof value === 'object' && value !== null) {
    const map = new BinaryWriter()
    writeAttributes(map, 1, value as Record<string, unknown>)
    writer.tag(6, 2).bytes(map.finish())
  }
  return writer.finish()
}
