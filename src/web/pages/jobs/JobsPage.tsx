import { Button, SegmentedControl } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { jobsQuery } from '../../api/jobs.ts'
import type { Job } from '../../api/types.ts'
import { absolute } from '../../base.ts'
import { useScope } from '../../frame/project-context.ts'
import { paths, type Scope } from '../../paths.ts'
import { AppLink } from '../../ui/AppLink.tsx'
import { Chip } from '../../ui/Chip.tsx'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { ErrorView } from '../../ui/ErrorView.tsx'
import { RowsSkeleton } from '../../ui/Loading.tsx'
import { Page } from '../../ui/Page.tsx'
import { Snippet } from '../../ui/Snippet.tsx'
import { StatusBadge } from '../../ui/StatusBadge.tsx'
import { TokenButton } from '../../ui/TokenButton.tsx'
import { useUrlParam } from '../../ui/url-state.ts'
import { Elapsed, Time } from '../../ui/values.tsx'

const STATES: { value: Job['state'] | ''; label: string }[] = [
  { value: '', label: 'All' },
  { value: 'queued', label: 'Queued' },
  { value: 'running', label: 'Running' },
  { value: 'succeeded', label: 'Succeeded' },
  { value: 'failed', label: 'Failed' },
]

function columnsFor(scope: Scope): Column<Job>[] {
  return [
    {
      id: 'name',
      header: 'Job',
      width: 280,
      value: (job) => job.name,
      cell: (job) => <AppLink to={paths.job(scope, job.id)}>{job.name}</AppLink>,
    },
    {
      id: 'state',
      header: 'State',
      width: 130,
      value: (job) => job.state,
      cell: (job) => <StatusBadge status={job.state} />,
      phone: true,
    },
    { id: 'kind', header: 'Kind', width: 90, value: (job) => job.kind, cell: (job) => job.kind },
    {
      id: 'dataset',
      header: 'Data',
      width: 190,
      value: (job) => job.dataset?.name ?? null,
      cell: (job) =>
        job.dataset === null ? (
          <span className="muted">–</span>
        ) : (
          <Chip kind="dataset" to={paths.datasetVersion(scope, job.dataset.name, job.dataset.version)}>
            {job.dataset.name}@{job.dataset.version}
          </Chip>
        ),
    },
    {
      id: 'model',
      header: 'Registers',
      width: 150,
      value: (job) => job.register_as,
      cell: (job) =>
        job.register_as === null ? (
          <span className="muted">–</span>
        ) : (
          <Chip kind="model" to={paths.model(scope, job.register_as)}>
            {job.register_as}
          </Chip>
        ),
    },
    ...circumstances(),
  ]
}

function circumstances(): Column<Job>[] {
  return [
    {
      id: 'took',
      header: 'Took',
      align: 'right',
      width: 110,
      value: (job) => (job.started_at_ms === null ? null : (job.finished_at_ms ?? Date.now()) - job.started_at_ms),
      cell: (job) => <Elapsed fromMs={job.started_at_ms} toMs={job.finished_at_ms} />,
      phone: true,
    },
    {
      id: 'attempt',
      header: 'Attempt',
      align: 'right',
      width: 90,
      value: (job) => job.attempt,
      cell: (job) => job.attempt,
      hidden: true,
    },
    {
      id: 'executor',
      header: 'Executor',
      width: 110,
      value: (job) => job.executor,
      cell: (job) => job.executor,
      hidden: true,
    },
    { id: 'by', header: 'Started by', width: 120, value: (job) => job.created_by, cell: (job) => job.created_by },
    {
      id: 'created',
      header: 'Submitted',
      width: 130,
      value: (job) => job.created_at_ms,
      cell: (job) => <Time ms={job.created_at_ms} />,
      phone: true,
    },
  ]
}

/** The jobs of a project, newest first. */
export function JobsPage() {
  const scope = useScope()
  const [text, setState] = useUrlParam('state')
  const state = STATES.find((one) => one.value === text)?.value ?? ''
  const jobs = useInfiniteQuery(jobsQuery(scope, { state, kind: '' }))
  const columns = useMemo(() => columnsFor(scope), [scope])
  const rows = useMemo(() => jobs.data?.pages.flatMap((page) => page.jobs) ?? [], [jobs.data])
  return (
    <Page title="Jobs">
      {jobs.error !== null && <ErrorView error={jobs.error} onRetry={() => void jobs.refetch()} />}
      {jobs.data === undefined && jobs.error === null && <RowsSkeleton />}
      {jobs.data !== undefined && rows.length === 0 && state === '' && <NoJobs />}
      {jobs.data !== undefined && (rows.length > 0 || state !== '') && (
        <DataTable
          label="Jobs"
          columns={columns}
          rows={rows}
          rowKey={(job) => job.id}
          rowTo={(job) => paths.job(scope, job.id)}
          defaultSort="-created"
          chooser
          none="No job is in this state."
          toolbar={<SegmentedControl aria-label="State" data={STATES} value={state} onChange={setState} />}
        />
      )}
      {jobs.hasNextPage && (
        <div>
          <Button onClick={() => void jobs.fetchNextPage()} loading={jobs.isFetchingNextPage}>
            Show older jobs
          </Button>
        </div>
      )}
    </Page>
  )
}

function NoJobs() {
  const scope = useScope()
  const server = absolute('/').replace(/\/$/, '')
  const code = `export TRAINYARD_URL=${server}\nnpx trainyard run ./my-training --project ${scope.owner}/${scope.project} \\\n  --dataset my-data@latest --register my-model`
  return (
    <EmptyState
      title="No jobs yet"
      waitingFor="Waiting for the first job"
      snippet={<Snippet title="A folder with an MLproject file becomes a job" code={code} action={<TokenButton />} />}
    >
      A job is one attempt to run code: what it was, on which data, in which environment, what it printed and what came
      of it. Its run and its model point back to it.
    </EmptyState>
  )
}
