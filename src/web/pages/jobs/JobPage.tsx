import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { isJobActive, jobQuery } from '../../api/jobs.ts'
import type { Job } from '../../api/types.ts'
import { formatCell, shortId } from '../../format.ts'
import { useScope } from '../../frame/project-context.ts'
import { useRemember } from '../../frame/recent.ts'
import { paths, type Scope } from '../../paths.ts'
import { Chip, Chips } from '../../ui/Chip.tsx'
import { CopyButton } from '../../ui/CopyButton.tsx'
import { Loaded } from '../../ui/Loading.tsx'
import { Facts, Page, Section } from '../../ui/Page.tsx'
import { StatusBadge } from '../../ui/StatusBadge.tsx'
import { Elapsed, Time } from '../../ui/values.tsx'
import { JobActions } from './JobActions.tsx'
import { JobError, JobLogView } from './JobLog.tsx'

/** One attempt to run code: how it stands, what it prints, what it is made of. */
export function JobPage() {
  const scope = useScope()
  const id = useParams({ strict: false }).job ?? ''
  const job = useQuery(jobQuery(scope, id))
  useRemember(paths.job(scope, id), job.data?.name, 'Job')
  return (
    <Page
      title={job.data?.name ?? 'Job'}
      status={
        <>
          {job.data && <StatusBadge status={job.data.state} filled />}
          {job.data?.cancel_requested === true && isJobActive(job.data) && (
            <span className="muted small">stopping…</span>
          )}
          <CopyButton text={id} what="job id" />
        </>
      }
      actions={job.data && <JobActions scope={scope} job={job.data} />}
      facts={job.data && <JobFacts scope={scope} job={job.data} />}
    >
      <Loaded query={job}>
        {(data) => (
          <>
            <JobError job={data} />
            <Parameters job={data} />
            <Section title="Log">
              <JobLogView scope={scope} job={data} />
            </Section>
          </>
        )}
      </Loaded>
    </Page>
  )
}

function Parameters({ job }: { job: Job }) {
  const pairs = Object.entries(job.parameters)
  if (pairs.length === 0) return null
  return (
    <Section title="Parameters">
      <Chips>
        {pairs.map(([name, value]) => (
          <Chip key={name} title={String(value)}>
            <span className="muted">{name}</span>{' '}
            {value === '' ? <span className="muted">empty</span> : formatCell(value)}
          </Chip>
        ))}
      </Chips>
    </Section>
  )
}

function JobFacts({ scope, job }: { scope: Scope; job: Job }) {
  return (
    <Facts
      items={[
        ['Submitted', <Time key="created" ms={job.created_at_ms} />],
        ['by', job.created_by],
        ['Took', <Elapsed key="took" fromMs={job.started_at_ms} toMs={job.finished_at_ms} />],
        [
          'Data',
          job.dataset && (
            <Chip
              kind="dataset"
              to={paths.datasetVersion(scope, job.dataset.name, job.dataset.version)}
            >{`${job.dataset.name}@${job.dataset.version}`}</Chip>
          ),
        ],
        [
          'Run',
          job.run_id && (
            <Chip kind="run" to={paths.run(scope, job.run_id)}>
              {shortId(job.run_id)}
            </Chip>
          ),
        ],
        [
          'Registers',
          job.register_as && (
            <Chip kind="model" to={paths.model(scope, job.register_as)}>
              {job.register_as}
            </Chip>
          ),
        ],
        [
          'Retry of',
          job.retry_of && <Chip kind="job" to={paths.job(scope, job.retry_of)}>{`attempt ${job.attempt - 1}`}</Chip>,
        ],
        ['Attempt', job.attempt > 1 ? job.attempt : null],
        ['Kind', job.kind],
        ['Entry point', job.entry_point && <code>{job.entry_point}</code>],
        ['Executor', job.executor],
        ['Environment', job.environment && <code className="truncate">{job.environment}</code>],
        [
          'Code',
          job.code_digest && (
            <code title={job.code_digest}>{job.code_digest.replace(/^sha256:/, '').slice(0, 12)}</code>
          ),
        ],
        ['Exit code', job.exit_code],
      ]}
    />
  )
}
