import { IconAlertTriangleFilled } from '@tabler/icons-react'
import { useMemo } from 'react'
import type { Span } from '../../api/types.ts'
import { Duration } from '../../ui/values.tsx'
import { spanRows, totalMs } from './span-tree.ts'
import css from './Traces.module.css'

type Props = { spans: Span[]; selected: string; onSelect: (id: string) => void }

/** Deeper levels are not moved further to the right: the name must stay readable. */
const MAX_INDENT = 8

/** Spans below each other, each with a bar where in time it lay. */
export function SpanTree({ spans, selected, onSelect }: Props) {
  const rows = useMemo(() => spanRows(spans), [spans])
  const total = useMemo(() => totalMs(spans), [spans])
  return (
    <ol className={css.tree}>
      {rows.map(({ span, depth }) => (
        <li key={span.id}>
          <button
            type="button"
            className={css.row}
            aria-current={span.id === selected ? 'true' : undefined}
            onClick={() => onSelect(span.id)}
          >
            <span className={css.name} style={{ paddingLeft: Math.min(depth, MAX_INDENT) * 16 }} title={span.name}>
              {span.status === 'ERROR' && (
                <IconAlertTriangleFilled size={14} className={css.error} aria-label="Error" />
              )}
              <span>{span.name}</span>
              {span.type !== 'UNKNOWN' && <small className="muted">{span.type}</small>}
            </span>
            <span className={css.track} aria-hidden>
              <span
                className={css.bar}
                data-error={span.status === 'ERROR' || undefined}
                style={{
                  left: `${(span.start_ms / total) * 100}%`,
                  width: `max(2px, ${((span.duration_ms ?? 0) / total) * 100}%)`,
                }}
              />
            </span>
            <span className={css.took}>
              <Duration ms={span.duration_ms} />
            </span>
          </button>
        </li>
      ))}
    </ol>
  )
}
