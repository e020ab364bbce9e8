import { SegmentedControl, Select } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ApiError } from '../../api/errors.ts'
import { experimentsQuery } from '../../api/runs.ts'
import type { Scope } from '../../paths.ts'
import { useUrlParam } from '../../ui/url-state.ts'
import { RunFilter } from './RunFilter.tsx'

const VIEWS = [
  { value: 'active', label: 'Active' },
  { value: 'deleted', label: 'Deleted' },
]

/** Which runs the table shows; all of it is in the address. */
export function RunsToolbar({ scope, filterError }: { scope: Scope; filterError: ApiError | null }) {
  const [experiment, setExperiment] = useUrlParam('experiment')
  const [filter, setFilter] = useUrlParam('q')
  const [view, setView] = useUrlParam('view', 'active')
  const experiments = useQuery(experimentsQuery(scope))
  return (
    <>
      <Select
        aria-label="Experiment"
        placeholder="All experiments"
        data={(experiments.data ?? []).map((one) => ({ value: one.id, label: `${one.name} (${one.run_count})` }))}
        value={experiment === '' ? null : experiment}
        onChange={setExperiment}
        clearable
        searchable
        w={220}
      />
      <RunFilter value={filter} onChange={setFilter} error={filterError} />
      <SegmentedControl aria-label="Lifecycle" data={VIEWS} value={view} onChange={setView} />
    </>
  )
}
