import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { datasetsQuery } from '../../api/data.ts'
import { endpointsQuery } from '../../api/endpoints.ts'
import { jobsQuery } from '../../api/jobs.ts'
import { modelsQuery } from '../../api/models.ts'
import { decisionsQuery } from '../../api/monitoring.ts'
import { experimentsQuery, runsQuery } from '../../api/runs.ts'
import { formatCount } from '../../format.ts'
import { ROOMS } from '../../frame/rooms.ts'
import { paths, type Scope } from '../../paths.ts'
import { AppLink } from '../../ui/AppLink.tsx'
import { StatusBadge } from '../../ui/StatusBadge.tsx'
import { Time } from '../../ui/values.tsx'
import css from './Chain.module.css'

type Newest = { id: string; label: string; to: string; end: ReactNode }
type LinkProps = { scope: Scope; room: string; count: string | null; newest: Newest[]; none: string }

const SHOWN = 3

/** The life of this project's models from left to right: how much there is, and the newest of each. */
export function Chain({ scope }: { scope: Scope }) {
  return (
    <div className={css.chain}>
      <DataLink scope={scope} />
      <JobsLink scope={scope} />
      <RunsLink scope={scope} />
      <ModelsLink scope={scope} />
      <EndpointsLink scope={scope} />
      <MonitoringLink scope={scope} />
    </div>
  )
}

function ChainLink({ scope, room, count, newest, none }: LinkProps) {
  const found = ROOMS.find((candidate) => candidate.id === room)
  if (found === undefined) return null
  const Icon = found.icon
  return (
    <section className={css.link} aria-label={found.label}>
      <AppLink className={css.name} to={found.to(scope)}>
        <Icon size={15} stroke={1.75} aria-hidden />
        {found.label}
      </AppLink>
      <span className={`${css.count} num`}>{count ?? '–'}</span>
      <ul className={css.newest}>
        {newest.length === 0 && count !== null && <li className="muted">{none}</li>}
        {newest.slice(0, SHOWN).map((one) => (
          <li key={one.id}>
            <AppLink to={one.to} className="truncate">
              {one.label}
            </AppLink>
            <span className={`${css.end} truncate`}>{one.end}</span>
          </li>
        ))}
      </ul>
    </section>
  )
}

function DataLink({ scope }: { scope: Scope }) {
  const { data } = useQuery(datasetsQuery(scope))
  const newest = [...(data ?? [])].sort((a, b) => (b.latest?.created_at_ms ?? 0) - (a.latest?.created_at_ms ?? 0))
  return (
    <ChainLink
      scope={scope}
      room="data"
      count={data === undefined ? null : formatCount(data.length)}
      none="No dataset yet"
      newest={newest.map((one) => ({
        id: one.name,
        label: one.latest === null ? one.name : `${one.name}@${one.latest.version}`,
        to:
          one.latest === null
            ? paths.dataset(scope, one.name)
            : paths.datasetVersion(scope, one.name, one.latest.version),
        end: <Time ms={one.latest?.created_at_ms ?? one.created_at_ms} />,
      }))}
    />
  )
}

function JobsLink({ scope }: { scope: Scope }) {
  const { data } = useInfiniteQuery(jobsQuery(scope, { state: '', kind: '' }))
  const jobs = data?.pages[0]?.jobs ?? []
  const more = data?.pages[0]?.next_before !== null
  return (
    <ChainLink
      scope={scope}
      room="jobs"
      count={data === undefined ? null : `${formatCount(jobs.length)}${more ? '+' : ''}`}
      none="No job yet"
      newest={jobs.map((job) => ({
        id: job.id,
        label: job.name,
        to: paths.job(scope, job.id),
        end: <StatusBadge status={job.state} />,
      }))}
    />
  )
}

function RunsLink({ scope }: { scope: Scope }) {
  const experiments = useQuery(experimentsQuery(scope))
  const { data } = useInfiniteQuery(runsQuery(scope, { experiment: '', filter: '', orderBy: '', view: 'active' }))
  const runs = data?.pages[0]?.runs ?? []
  return (
    <ChainLink
      scope={scope}
      room="runs"
      count={
        experiments.data === undefined
          ? null
          : formatCount(experiments.data.reduce((sum, one) => sum + one.run_count, 0))
      }
      none="No run yet"
      newest={runs.map((run) => ({
        id: run.id,
        label: run.name,
        to: paths.run(scope, run.id),
        end: <StatusBadge status={run.status} />,
      }))}
    />
  )
}

function ModelsLink({ scope }: { scope: Scope }) {
  const { data } = useQuery(modelsQuery(scope))
  const newest = [...(data ?? [])].sort((a, b) => b.updated_at_ms - a.updated_at_ms)
  return (
    <ChainLink
      scope={scope}
      room="models"
      count={data === undefined ? null : formatCount(data.length)}
      none="No model yet"
      newest={newest.map((model) => ({
        id: model.name,
        label: model.name,
        to: paths.model(scope, model.name),
        end:
          model.aliases[0] === undefined
            ? `v${model.latest_version ?? '–'}`
            : `${model.aliases[0].alias} v${model.aliases[0].version}`,
      }))}
    />
  )
}

function EndpointsLink({ scope }: { scope: Scope }) {
  const { data } = useQuery(endpointsQuery(scope))
  return (
    <ChainLink
      scope={scope}
      room="endpoints"
      count={data === undefined ? null : formatCount(data.length)}
      none="No endpoint yet"
      newest={(data ?? []).map((one) => ({
        id: one.name,
        label: one.name,
        to: paths.endpoint(scope, one.name),
        end: <StatusBadge status={one.serving.state} />,
      }))}
    />
  )
}

function MonitoringLink({ scope }: { scope: Scope }) {
  const { data } = useQuery(decisionsQuery(scope))
  return (
    <ChainLink
      scope={scope}
      room="monitoring"
      count={data === undefined ? null : formatCount(data.length)}
      none="No decision yet"
      newest={(data ?? []).map((decision) => ({
        id: decision.id,
        label: decision.endpoint,
        to: paths.decision(scope, decision.id),
        end: <StatusBadge status={decision.state} />,
      }))}
    />
  )
}
