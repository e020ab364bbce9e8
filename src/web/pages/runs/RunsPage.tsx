import { Button } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { ApiError } from '../../api/errors.ts'
import { type RunsFilter, runsQuery } from '../../api/runs.ts'
import { useProject } from '../../frame/project-context.ts'
import { paths } from '../../paths.ts'
import { DataTable } from '../../ui/DataTable.tsx'
import { ErrorView } from '../../ui/ErrorView.tsx'
import { RowsSkeleton } from '../../ui/Loading.tsx'
import { Page } from '../../ui/Page.tsx'
import { useUrlParam } from '../../ui/url-state.ts'
import { NoRuns } from './NoRuns.tsx'
import { orderBy } from './order-by.ts'
import { RunCount } from './RunCount.tsx'
import { RunsToolbar } from './RunsToolbar.tsx'
import { RunTabs } from './RunTabs.tsx'
import { runColumns } from './run-columns.tsx'
import { SelectedRuns } from './SelectedRuns.tsx'
import { useColumnNames } from './use-column-names.ts'
import { useMlflowFragment } from './use-mlflow-fragment.ts'
import { useSelection } from './use-selection.ts'

const DEFAULT_SORT = '-attributes.start_time'

/** The table people keep open: every run, filtered in MLflow's grammar, with the columns they logged. */
export function RunsPage() {
  const { scope } = useProject()
  useMlflowFragment(scope)
  const [experiment] = useUrlParam('experiment')
  const [filter] = useUrlParam('q')
  const [viewText] = useUrlParam('view', 'active')
  const view = viewText === 'deleted' ? 'deleted' : 'active'
  const [sort] = useUrlParam('sort', DEFAULT_SORT)
  const search: RunsFilter = { experiment, filter, orderBy: orderBy(sort), view }
  const runs = useInfiniteQuery({
    ...runsQuery(scope, search),
    placeholderData: (before) => before,
  })
  const rows = useMemo(() => runs.data?.pages.flatMap((page) => page.runs) ?? [], [runs.data])
  const selection = useSelection(rows)
  const { names, source } = useColumnNames(scope, experiment)
  const columns = useMemo(() => runColumns(scope, rows, names, selection), [scope, rows, names, selection])
  const filterError = runs.error instanceof ApiError && runs.error.status === 400 ? runs.error : null
  const untouched = experiment === '' && filter === '' && view === 'active'
  if (runs.data !== undefined && rows.length === 0 && untouched) {
    return (
      <Page title="Runs" tabs={<RunTabs scope={scope} current="runs" />}>
        <NoRuns />
      </Page>
    )
  }
  return (
    <Page
      title="Runs"
      status={filterError === null && <RunCount scope={scope} search={search} />}
      tabs={<RunTabs scope={scope} current="runs" />}
    >
      {filterError === null && <ErrorView error={runs.error} onRetry={() => void runs.refetch()} />}
      {runs.data === undefined && runs.error === null && <RowsSkeleton rows={12} />}
      {(runs.data !== undefined || filterError !== null) && (
        <DataTable
          label="Runs"
          columns={columns}
          rows={rows}
          rowKey={(run) => run.id}
          rowTo={(run) => paths.run(scope, run.id)}
          defaultSort={DEFAULT_SORT}
          manualSort
          chooser={source}
          fill
          selected={selection.ids}
          none={filterError === null ? 'No run matches.' : 'The filter cannot be read.'}
          toolbar={<RunsToolbar scope={scope} filterError={filterError} />}
        />
      )}
      {selection.ids.size > 0 && (
        <SelectedRuns scope={scope} runs={rows.filter((run) => selection.ids.has(run.id))} onClear={selection.clear} />
      )}
      {runs.hasNextPage && (
        <div>
          <Button onClick={() => void runs.fetchNextPage()} loading={runs.isFetchingNextPage}>
            Show more runs
          </Button>
        </div>
      )}
    </Page>
  )
}
