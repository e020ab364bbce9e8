import { useCallback, useMemo, useRef } from 'react'
import type { Run } from '../../api/types.ts'
import { useUrlParam } from '../../ui/url-state.ts'

export type RunSelection = { ids: ReadonlySet<string>; toggle: (id: string, range: boolean) => void; clear: () => void }

/** Selected runs, kept in the address. With Shift, everything between the last one and this. */
export function useSelection(rows: Run[]): RunSelection {
  const [text, setText] = useUrlParam('select')
  const ids = useMemo(() => new Set(text.split(',').filter((id) => id !== '')), [text])
  const last = useRef<string | null>(null)
  const toggle = useCallback(
    (id: string, range: boolean) => {
      const next = new Set(ids)
      const [from, to] = [rows.findIndex((run) => run.id === last.current), rows.findIndex((run) => run.id === id)]
      const touched =
        range && from >= 0 ? rows.slice(Math.min(from, to), Math.max(from, to) + 1).map((run) => run.id) : [id]
      for (const one of touched) ids.has(id) ? next.delete(one) : next.add(one)
      last.current = id
      setText([...next].join(','))
    },
    [ids, rows, setText],
  )
  const clear = useCallback(() => setText(null), [setText])
  return useMemo(() => ({ ids, toggle, clear }), [ids, toggle, clear])
}
