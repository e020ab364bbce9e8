import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { type Endpoint, endpointQuery } from '../../api/endpoints.ts'
import { formatCount } from '../../format.ts'
import { useProject } from '../../frame/project-context.ts'
import { useRemember } from '../../frame/recent.ts'
import { paths } from '../../paths.ts'
import { Loaded } from '../../ui/Loading.tsx'
import { Facts, Page, Tabs } from '../../ui/Page.tsx'
import { StatusBadge } from '../../ui/StatusBadge.tsx'
import { Duration, Num, Time } from '../../ui/values.tsx'
import { EndpointActions } from './EndpointActions.tsx'
import { Serves } from './EndpointsPage.tsx'

type Props = { tab: 'predict' | 'predictions' | 'monitoring' | 'use'; children: (endpoint: Endpoint) => ReactNode }

/** What all pages of an endpoint share: title, state, facts, tabs, actions. */
export function EndpointShell({ tab, children }: Props) {
  const { scope } = useProject()
  const { endpoint: name = '' } = useParams({ strict: false })
  const endpoint = useQuery(endpointQuery(scope, name))
  useRemember(paths.endpoint(scope, name), endpoint.data?.name, 'Endpoint')
  const tabs = (
    <Tabs
      current={tab}
      tabs={[
        { id: 'predict', label: 'Try it', to: paths.endpoint(scope, name) },
        { id: 'predictions', label: 'Predictions', to: paths.endpointPredictions(scope, name) },
        { id: 'monitoring', label: 'Monitoring', to: paths.endpointMonitoring(scope, name) },
        { id: 'use', label: 'Use from a program', to: paths.endpointUse(scope, name) },
      ]}
    />
  )
  if (endpoint.data === undefined) {
    return (
      <Page title={name}>
        <Loaded query={endpoint}>{() => null}</Loaded>
      </Page>
    )
  }
  const { data } = endpoint
  return (
    <Page
      title={data.name}
      status={<StatusBadge status={data.serving.state} filled />}
      lead={data.description}
      actions={<EndpointActions endpoint={data} />}
      facts={<EndpointFacts endpoint={data} />}
      tabs={tabs}
    >
      {data.serving.reason !== null && (
        <p role="alert" style={{ color: data.serving.version === null ? 'var(--danger)' : 'var(--warning)' }}>
          {data.serving.reason}
        </p>
      )}
      {children(data)}
    </Page>
  )
}

function EndpointFacts({ endpoint }: { endpoint: Endpoint }) {
  const { scope } = useProject()
  const { serving, stats } = endpoint
  return (
    <Facts
      items={[
        ['Serves', <Serves key="serves" endpoint={endpoint} scope={scope} />],
        ['Runs in', serving.runtime === null ? null : serving.runtime === 'onnx' ? 'ONNX' : 'Python'],
        ['p50', stats.p50_ms === null ? null : <Duration key="p50" ms={stats.p50_ms} />],
        ['p99', stats.p99_ms === null ? null : <Duration key="p99" ms={stats.p99_ms} />],
        [
          'Predictions',
          <span key="count" title={`${formatCount(stats.predictions_24h)} in the last 24 hours`}>
            <Num value={stats.predictions_total} />
          </span>,
        ],
        ['Made', <Time key="made" ms={endpoint.created_at_ms} />],
      ]}
    />
  )
}
