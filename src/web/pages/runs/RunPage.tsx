import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { jobQuery } from '../../api/jobs.ts'
import { runQuery } from '../../api/runs.ts'
import type { RunDetail } from '../../api/types.ts'
import { shortId } from '../../format.ts'
import { useProject } from '../../frame/project-context.ts'
import { useRemember } from '../../frame/recent.ts'
import { paths, type Scope } from '../../paths.ts'
import { Chip, Chips } from '../../ui/Chip.tsx'
import { CopyButton } from '../../ui/CopyButton.tsx'
import { Loaded } from '../../ui/Loading.tsx'
import { Facts, Page, type Tab, Tabs } from '../../ui/Page.tsx'
import { StatusBadge } from '../../ui/StatusBadge.tsx'
import { useUrlParam } from '../../ui/url-state.ts'
import { Elapsed, Time } from '../../ui/values.tsx'
import { JobError, JobLogView } from '../jobs/JobLog.tsx'
import { RunActions } from './RunActions.tsx'
import { RunFiles } from './RunFiles.tsx'
import { RunOverview } from './RunOverview.tsx'
import { runState } from './run-state.ts'

/** One run at a glance: did it work, how well, from what. */
export function RunPage() {
  const { scope } = useProject()
  const id = useParams({ strict: false }).run ?? ''
  const run = useQuery(runQuery(scope, id))
  const [tab] = useUrlParam('tab', 'overview')
  useRemember(paths.run(scope, id), run.data?.name, 'Run')
  return (
    <Page
      title={run.data?.name ?? 'Run'}
      status={
        <>
          {run.data && <StatusBadge status={runState(run.data)} filled />}
          <CopyButton text={id} what="run id" />
        </>
      }
      lead={run.data?.tags['mlflow.note.content']}
      actions={run.data && <RunActions scope={scope} run={run.data} />}
      facts={run.data && <RunFacts scope={scope} run={run.data} />}
      tabs={run.data && <Tabs current={tab} tabs={tabsOf(scope, run.data)} />}
    >
      <Loaded query={run}>{(data) => <Content scope={scope} run={data} tab={tab} />}</Loaded>
    </Page>
  )
}

function tabsOf(scope: Scope, run: RunDetail): Tab[] {
  return [
    { id: 'overview', label: 'Overview', to: paths.run(scope, run.id) },
    { id: 'artifacts', label: 'Artifacts', to: paths.run(scope, run.id, 'artifacts') },
    ...(run.job_id === null ? [] : [{ id: 'log', label: 'Log', to: paths.run(scope, run.id, 'log') }]),
  ]
}

function Content({ scope, run, tab }: { scope: Scope; run: RunDetail; tab: string }) {
  if (tab === 'artifacts') return <RunFiles scope={scope} run={run} />
  if (tab === 'log' && run.job_id !== null) return <RunLog scope={scope} job={run.job_id} />
  return <RunOverview scope={scope} run={run} />
}

function RunLog({ scope, job }: { scope: Scope; job: string }) {
  const query = useQuery(jobQuery(scope, job))
  return (
    <Loaded query={query}>
      {(data) => (
        <>
          <JobError job={data} />
          <JobLogView scope={scope} job={data} />
        </>
      )}
    </Loaded>
  )
}

function RunFacts({ scope, run }: { scope: Scope; run: RunDetail }) {
  const registered = run.models.flatMap((model) => model.registered)
  return (
    <Facts
      items={[
        ['Started', <Time key="started" ms={run.started_at_ms} />],
        ['by', run.user_name],
        ['Took', <Elapsed key="took" fromMs={run.started_at_ms} toMs={run.ended_at_ms ?? run.lost_since_ms} />],
        ['Last heard', run.lost_since_ms && <Time key="heard" ms={run.lost_since_ms} />],
        [
          'Experiment',
          <Chip key="experiment" to={paths.runs(scope, { experiment: run.experiment_id })}>
            {run.experiment_name}
          </Chip>,
        ],
        ['Data', run.datasets.length === 0 ? null : <DatasetChips key="data" scope={scope} run={run} />],
        [
          'Job',
          run.job_id && (
            <Chip kind="job" to={paths.job(scope, run.job_id)}>
              {shortId(run.job_id)}
            </Chip>
          ),
        ],
        [
          'Model',
          registered.length === 0 ? null : (
            <Chips key="models">
              {registered.map(({ name, version }) => (
                <Chip key={name + version} kind="model" to={paths.modelVersion(scope, name, version)}>
                  {name} v{version}
                </Chip>
              ))}
            </Chips>
          ),
        ],
        [
          'Part of',
          run.parent_id && (
            <Chip kind="run" to={paths.run(scope, run.parent_id)}>
              {shortId(run.parent_id)}
            </Chip>
          ),
        ],
      ]}
    />
  )
}

function DatasetChips({ scope, run }: { scope: Scope; run: RunDetail }) {
  return (
    <Chips>
      {run.datasets.map((input) => (
        <Chip
          key={input.name + input.digest + (input.context ?? '')}
          kind="dataset"
          title={`digest ${input.digest}`}
          to={
            input.dataset === null || input.version === null
              ? null
              : paths.datasetVersion(scope, input.dataset, input.version)
          }
        >
          {input.dataset === null ? input.name : `${input.dataset}@${input.version}`}
          {input.context !== null && <span className="muted"> {input.context}</span>}
        </Chip>
      ))}
    </Chips>
  )
}
