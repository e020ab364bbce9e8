import { useQueries, useQuery } from '@tanstack/react-query'
import { type Endpoint, endpointsQuery } from '../../api/endpoints.ts'
import {
  type Decision,
  decisionsQuery,
  type Performance,
  type Policy,
  performanceQuery,
  policyQuery,
} from '../../api/monitoring.ts'
import { formatCount, formatNumber, formatShare } from '../../format.ts'
import { useScope } from '../../frame/project-context.ts'
import { paths, type Scope } from '../../paths.ts'
import { AppLink } from '../../ui/AppLink.tsx'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { Loaded } from '../../ui/Loading.tsx'
import { Page, Section } from '../../ui/Page.tsx'
import { StatusBadge } from '../../ui/StatusBadge.tsx'
import { Num } from '../../ui/values.tsx'
import { Serves } from '../endpoints/EndpointsPage.tsx'
import { DecisionTable } from './DecisionTable.tsx'
import { type ServedAccuracy, servedAccuracy } from './served-accuracy.ts'

type Row = {
  scope: Scope
  endpoint: Endpoint
  performance: Performance | undefined
  policy: Policy | null | undefined
  last: Decision | undefined
}

const COLUMNS: Column<Row>[] = [
  {
    id: 'endpoint',
    header: 'Endpoint',
    width: 130,
    value: (row) => row.endpoint.name,
    cell: (row) => <AppLink to={paths.endpointMonitoring(row.scope, row.endpoint.name)}>{row.endpoint.name}</AppLink>,
  },
  {
    id: 'state',
    header: 'Serving',
    width: 100,
    value: (row) => row.endpoint.serving.state,
    cell: (row) => <StatusBadge status={row.endpoint.serving.state} />,
  },
  {
    id: 'serves',
    header: 'Serves',
    width: 250,
    cell: (row) => <Serves endpoint={row.endpoint} scope={row.scope} />,
  },
  {
    id: 'accuracy',
    header: 'Accuracy',
    width: 100,
    align: 'right',
    phone: true,
    value: (row) => accuracyOf(row)?.value ?? null,
    cell: (row) => <Accuracy row={row} />,
  },
  {
    id: 'interval',
    header: '95 % interval',
    width: 130,
    align: 'right',
    cell: (row) => {
      const interval = accuracyOf(row)?.interval
      if (interval === undefined) return <span className="muted">–</span>
      return (
        <span className="num muted">
          {formatNumber(interval[0])} – {formatNumber(interval[1])}
        </span>
      )
    },
  },
  {
    id: 'threshold',
    header: 'Threshold',
    width: 90,
    align: 'right',
    value: (row) => row.policy?.threshold ?? null,
    cell: (row) => <Num value={row.policy?.threshold} />,
  },
  {
    id: 'labelled',
    header: 'With feedback',
    width: 110,
    align: 'right',
    cell: (row) => {
      const coverage = row.performance?.coverage
      return (
        <span className="num" title={coverage && `${coverage.labelled} of ${coverage.predicted}`}>
          {coverage === undefined || coverage.predicted === 0
            ? '–'
            : formatShare(coverage.labelled / coverage.predicted)}
        </span>
      )
    },
  },
  {
    id: 'policy',
    header: 'Policy',
    width: 130,
    phone: true,
    cell: (row) =>
      row.policy === null || row.policy === undefined ? (
        <span className="muted">none</span>
      ) : (
        <StatusBadge status={row.policy.enabled ? row.policy.state : 'off'} />
      ),
  },
  {
    id: 'last',
    header: 'Last decision',
    width: 120,
    phone: true,
    cell: (row) =>
      row.last === undefined ? (
        <span className="muted">none</span>
      ) : (
        <AppLink to={paths.decision(row.scope, row.last.id)}>
          <StatusBadge status={row.last.state} />
        </AppLink>
      ),
  },
]

function accuracyOf(row: Row): ServedAccuracy | null {
  return row.performance === undefined ? null : servedAccuracy(row.performance, row.endpoint.serving.version)
}

function Accuracy({ row }: { row: Row }) {
  const now = accuracyOf(row)
  if (now === null) return <span className="muted">no feedback</span>
  const below = row.policy != null && now.labelled >= row.policy.min_samples && now.value < row.policy.threshold
  const over = `over ${formatCount(now.labelled)} labelled predictions${now.version === null ? '' : ` of v${now.version}`}`
  return (
    <span
      className="num"
      style={below ? { color: 'var(--danger)' } : undefined}
      title={`${now.value} ${over}${below ? ', below the threshold' : ''}`}
    >
      {formatNumber(now.value)}
      {below && ' ↓'}
    </span>
  )
}

/** The health of every endpoint of a project, and what was decided lately. */
export function MonitoringPage() {
  const scope = useScope()
  const endpoints = useQuery(endpointsQuery(scope))
  const decisions = useQuery(decisionsQuery(scope))
  const names = (endpoints.data ?? []).map((endpoint) => endpoint.name)
  const policies = useQueries({ queries: names.map((name) => policyQuery(scope, name)) })
  const performances = useQueries({
    queries: names.map((name, index) => ({
      ...performanceQuery(scope, name, policies[index]?.data?.window),
      enabled: policies[index]?.data !== undefined,
    })),
  })
  return (
    <Page title="Monitoring">
      <Loaded query={endpoints}>
        {(all) =>
          all.length === 0 ? (
            <EmptyState title="Nothing to watch yet" waitingFor="Waiting for the first endpoint">
              Here one sees how right each endpoint is, by the feedback on what it predicted, and what a policy did when
              it was not right enough. Deploy a <AppLink to={paths.models(scope)}>model</AppLink> first.
            </EmptyState>
          ) : (
            <>
              <DataTable
                label="Endpoints and how right they are"
                columns={COLUMNS}
                rows={all.map((endpoint, index) => ({
                  scope,
                  endpoint,
                  policy: policies[index]?.data,
                  performance: performances[index]?.data,
                  last: decisions.data?.find((decision) => decision.endpoint === endpoint.name),
                }))}
                rowKey={(row) => row.endpoint.name}
                rowTo={(row) => paths.endpointMonitoring(scope, row.endpoint.name)}
                defaultSort="endpoint"
              />
              <Section title="Latest decisions">
                <Loaded query={decisions}>
                  {(data) => <DecisionTable decisions={data} none="None yet: no policy had a reason to act." />}
                </Loaded>
              </Section>
            </>
          )
        }
      </Loaded>
    </Page>
  )
}
