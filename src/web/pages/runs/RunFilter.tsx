import { useDebouncedCallback } from '@mantine/hooks'
import { useEffect, useState } from 'react'
import type { ApiError } from '../../api/errors.ts'
import { SearchBox } from '../../ui/SearchBox.tsx'

type Props = {
  value: string
  onChange: (value: string) => void
  error: ApiError | null
  /** What is filtered, and an example. */
  what?: string
  example?: string
}

/** A filter in MLflow's grammar; what is wrong with it is said under it while one types. */
export function RunFilter({
  value,
  onChange,
  error,
  what = 'runs',
  example = "metrics.accuracy > 0.8 and params.model = 'gbm'",
}: Props) {
  const [text, setText] = useState(value)
  useEffect(() => setText(value), [value])
  const later = useDebouncedCallback(onChange, 500)
  return (
    <div style={{ flex: '1 1 320px', maxWidth: 560 }}>
      <SearchBox
        value={text}
        onChange={(next) => {
          setText(next)
          later(next)
        }}
        onEnter={() => onChange(text)}
        placeholder={example}
        label={`Filter ${what}`}
        invalid={error !== null}
        mono
        width={560}
      />
      {error !== null && (
        <p role="alert" className="small" style={{ color: 'var(--danger)', paddingTop: 4 }}>
          {error.message}
        </p>
      )}
    </div>
  )
}
