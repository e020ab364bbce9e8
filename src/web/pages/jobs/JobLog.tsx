import { isJobActive } from '../../api/jobs.ts'
import type { Job } from '../../api/types.ts'
import type { Scope } from '../../paths.ts'
import { LogView } from '../../ui/LogView.tsx'
import css from './JobLog.module.css'
import { useJobLog } from './use-job-log.ts'

const WAITING: Record<string, string> = {
  queued: 'Waiting for a free slot…',
  preparing: 'Preparing the environment…',
  running: 'Waiting for the first line…',
}

/** A job's output as it is written. */
export function JobLogView({ scope, job }: { scope: Scope; job: Job }) {
  const log = useJobLog(scope, job.id)
  const live = isJobActive(job) || !log.ended
  return (
    <>
      <LogView text={log.text} live={live} waiting={WAITING[job.state] ?? 'It printed nothing.'} />
      {live && !log.connected && log.text !== '' && (
        <p className="muted small">The line to the server broke; the log goes on when it is back.</p>
      )}
    </>
  )
}

/** Why a job failed, before its log. */
export function JobError({ job }: { job: Job }) {
  if (job.error === null) return null
  return (
    <section className={css.error} aria-label="Why it failed">
      <strong>
        {job.state === 'lost'
          ? 'The job was lost'
          : job.state === 'cancelled'
            ? 'The job was cancelled'
            : 'The job failed'}
      </strong>
      <pre className={css.reason}>{job.error}</pre>
    </section>
  )
}
