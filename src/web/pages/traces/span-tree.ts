import type { Span } from '../../api/types.ts'

export type SpanRow = { span: Span; depth: number }

/** Spans as an outline: children below their parent, in the order of their start; one whose parent is missing is a root. */
export function spanRows(spans: readonly Span[]): SpanRow[] {
  const known = new Set(spans.map((span) => span.id))
  const children = Map.groupBy(spans, (span) =>
    span.parent_id !== null && known.has(span.parent_id) && span.parent_id !== span.id ? span.parent_id : null,
  )
  const rows: SpanRow[] = []
  const placed = new Set<string>()
  // A stack of its own: a chain of spans may be deeper than functions can call each other.
  const waiting = (children.get(null) ?? []).map((span) => ({ span, depth: 0 })).reverse()
  for (let row = waiting.pop(); row !== undefined; row = waiting.pop()) {
    if (placed.has(row.span.id)) continue
    placed.add(row.span.id)
    rows.push(row)
    for (const child of (children.get(row.span.id) ?? []).toReversed()) {
      waiting.push({ span: child, depth: row.depth + 1 })
    }
  }
  // Spans that name each other as parents hang below no root.
  for (const span of spans) if (!placed.has(span.id)) rows.push({ span, depth: 0 })
  return rows
}

/** The time that all spans take together, in milliseconds; at least a little, to divide by. */
export function totalMs(spans: readonly Span[]): number {
  return spans.reduce((longest, span) => Math.max(longest, span.start_ms + (span.duration_ms ?? 0)), 0.001)
}

/** A value as people read it: text as it is, all else as indented JSON. */
export function valueText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2)
}

/** A preview is JSON, perhaps cut: a text without its quotes, else as it is. */
export function previewText(preview: string | null): string {
  if (preview === null) return ''
  try {
    const value: unknown = JSON.parse(preview)
    return typeof value === 'string' ? value : preview
  } catch {
    return preview
  }
}
