import { Button, Select } from '@mantine/core'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { ApiError } from '../../api/errors.ts'
import { experimentsQuery } from '../../api/runs.ts'
import { tracesQuery } from '../../api/traces.ts'
import type { Trace } from '../../api/types.ts'
import { shortId } from '../../format.ts'
import { useProject } from '../../frame/project-context.ts'
import { paths, type Scope } from '../../paths.ts'
import { AppLink } from '../../ui/AppLink.tsx'
import { Chip } from '../../ui/Chip.tsx'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { ErrorView } from '../../ui/ErrorView.tsx'
import { RowsSkeleton } from '../../ui/Loading.tsx'
import { Page } from '../../ui/Page.tsx'
import { StatusBadge } from '../../ui/StatusBadge.tsx'
import { useUrlParam } from '../../ui/url-state.ts'
import { Duration, Time } from '../../ui/values.tsx'
import { orderBy } from '../runs/order-by.ts'
import { RunFilter } from '../runs/RunFilter.tsx'
import { RunTabs } from '../runs/RunTabs.tsx'
import { NoTraces } from './NoTraces.tsx'
import { previewText } from './span-tree.ts'

const DEFAULT_SORT = '-attributes.timestamp_ms'

function columnsOf(scope: Scope): Column<Trace>[] {
  return [
    {
      id: 'attributes.name',
      header: 'Trace',
      width: 200,
      value: (trace) => trace.name ?? '',
      cell: (trace) => <AppLink to={paths.trace(scope, trace.id)}>{trace.name ?? shortId(trace.id)}</AppLink>,
    },
    {
      id: 'attributes.status',
      header: 'Status',
      width: 110,
      phone: true,
      value: (trace) => trace.status,
      cell: (trace) => <StatusBadge status={trace.status} />,
    },
    { id: 'request', header: 'Request', width: 250, cell: (trace) => <Preview text={trace.request_preview} /> },
    { id: 'response', header: 'Response', width: 250, cell: (trace) => <Preview text={trace.response_preview} /> },
    {
      id: 'attributes.execution_time_ms',
      header: 'Took',
      width: 90,
      align: 'right',
      phone: true,
      value: (trace) => trace.duration_ms,
      cell: (trace) => <Duration ms={trace.duration_ms} />,
    },
    {
      id: 'run',
      header: 'Run',
      width: 110,
      cell: (trace) =>
        trace.run_id === null ? (
          <span className="muted">–</span>
        ) : (
          <Chip kind="run" to={paths.run(scope, trace.run_id)}>
            {shortId(trace.run_id)}
          </Chip>
        ),
    },
    {
      id: 'attributes.timestamp_ms',
      header: 'When',
      width: 120,
      phone: true,
      value: (trace) => trace.started_at_ms,
      cell: (trace) => <Time ms={trace.started_at_ms} />,
    },
  ]
}

function Preview({ text }: { text: string | null }) {
  const shown = previewText(text)
  return (
    <span className="muted" title={shown.slice(0, 1_000)}>
      {shown}
    </span>
  )
}

/** What applications did, call by call: every trace of the project, filtered in MLflow's grammar. */
export function TracesPage() {
  const { scope } = useProject()
  const [experiment, setExperiment] = useUrlParam('experiment')
  const [filter, setFilter] = useUrlParam('q')
  const [sort] = useUrlParam('sort', DEFAULT_SORT)
  const experiments = useQuery(experimentsQuery(scope))
  const traces = useInfiniteQuery({
    ...tracesQuery(scope, { experiment, filter, orderBy: orderBy(sort) }),
    placeholderData: (before) => before,
  })
  const rows = useMemo(() => traces.data?.pages.flatMap((page) => page.traces) ?? [], [traces.data])
  const columns = useMemo(() => columnsOf(scope), [scope])
  const filterError = traces.error instanceof ApiError && traces.error.status === 400 ? traces.error : null
  const tabs = <RunTabs scope={scope} current="traces" />
  if (traces.data !== undefined && rows.length === 0 && experiment === '' && filter === '') {
    return (
      <Page title="Traces" tabs={tabs}>
        <NoTraces />
      </Page>
    )
  }
  return (
    <Page title="Traces" tabs={tabs}>
      {filterError === null && <ErrorView error={traces.error} onRetry={() => void traces.refetch()} />}
      {traces.data === undefined && traces.error === null && <RowsSkeleton rows={12} />}
      {(traces.data !== undefined || filterError !== null) && (
        <DataTable
          label="Traces"
          columns={columns}
          rows={rows}
          rowKey={(trace) => trace.id}
          rowTo={(trace) => paths.trace(scope, trace.id)}
          defaultSort={DEFAULT_SORT}
          manualSort
          fill
          none={filterError === null ? 'No trace matches.' : 'The filter cannot be read.'}
          toolbar={
            <>
              <Select
                aria-label="Experiment"
                placeholder="All experiments"
                data={(experiments.data ?? []).map((one) => ({ value: one.id, label: one.name }))}
                value={experiment === '' ? null : experiment}
                onChange={setExperiment}
                clearable
                searchable
                w={220}
              />
              <RunFilter
                value={filter}
                onChange={setFilter}
                error={filterError}
                what="traces"
                example="status = 'ERROR' and span.name = 'retrieve'"
              />
            </>
          }
        />
      )}
      {traces.hasNextPage && (
        <div>
          <Button onClick={() => void traces.fetchNextPage()} loading={traces.isFetchingNextPage}>
            Show more traces
          </Button>
        </div>
      )}
    </Page>
  )
}
