import { useDebouncedValue } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { runColumnsQuery } from '../../api/runs.ts'
import type { RunColumns } from '../../api/types.ts'
import type { Scope } from '../../paths.ts'
import type { ColumnSource } from '../../ui/ColumnChooser.tsx'
import { chosenColumns } from '../../ui/chosen-columns.ts'
import { useUrlParam } from '../../ui/url-state.ts'
import type { ColumnNames } from './run-columns.tsx'

/**
 * The names of columns beyond those of the loaded runs: what the reader chose, and while the chooser is open what the server
 * knows. It is asked for a part of a name only when it did not tell all of them at once.
 */
export function useColumnNames(scope: Scope, experiment: string): { names: ColumnNames; source: ColumnSource } {
  const [chosenText] = useUrlParam('columns')
  const [search, setSearch] = useState<string | null>(null)
  const [text] = useDebouncedValue(search?.trim() ?? '', 250)
  const isOpen = search !== null
  const all = useQuery({ ...runColumnsQuery(scope, experiment, ''), enabled: isOpen })
  const isPart = all.data !== undefined && hasMore(all.data)
  const found = useQuery({ ...runColumnsQuery(scope, experiment, text), enabled: isOpen && isPart && text !== '' })
  const names = useMemo(() => namesOf(chosenText, all.data, found.data), [chosenText, all.data, found.data])
  const last = text === '' ? all : found
  const isLoading = all.isLoading || found.isLoading || (isPart && text !== (search?.trim() ?? ''))
  return {
    names,
    source: { onSearch: setSearch, isLoading, isMore: isPart && last.data !== undefined && hasMore(last.data) },
  }
}

function hasMore({ metrics, params, tags }: RunColumns): boolean {
  return metrics.is_more || params.is_more || tags.is_more
}

function namesOf(chosen: string, ...answers: (RunColumns | undefined)[]): ColumnNames {
  const ids = [...chosenColumns(chosen).keys()]
  const of = (kind: keyof ColumnNames) => {
    const own = ids.filter((id) => id.startsWith(`${kind}.`)).map((id) => id.slice(kind.length + 1))
    return [...new Set([...answers.flatMap((answer) => answer?.[kind].keys ?? []), ...own])].sort()
  }
  return { metrics: of('metrics'), params: of('params'), tags: of('tags') }
}
