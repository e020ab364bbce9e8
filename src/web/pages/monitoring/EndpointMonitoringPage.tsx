import { useQuery } from '@tanstack/react-query'
import type { Endpoint } from '../../api/endpoints.ts'
import { decisionsQuery, performanceQuery, policyQuery } from '../../api/monitoring.ts'
import { useScope } from '../../frame/project-context.ts'
import { Loaded } from '../../ui/Loading.tsx'
import { Section } from '../../ui/Page.tsx'
import { EndpointShell } from '../endpoints/EndpointShell.tsx'
import { DecisionTable } from './DecisionTable.tsx'
import { PerformanceView } from './PerformanceView.tsx'
import { PolicyCard } from './PolicyCard.tsx'

/** How right an endpoint is, what happens when it is not, and what happened so far. */
export function EndpointMonitoringPage() {
  return <EndpointShell tab="monitoring">{(endpoint) => <Monitoring endpoint={endpoint} />}</EndpointShell>
}

function Monitoring({ endpoint }: { endpoint: Endpoint }) {
  const scope = useScope()
  const policy = useQuery(policyQuery(scope, endpoint.name))
  const performance = useQuery({
    ...performanceQuery(scope, endpoint.name, policy.data?.window),
    enabled: policy.data !== undefined,
  })
  const decisions = useQuery(decisionsQuery(scope, endpoint.name))
  return (
    <>
      <Loaded query={performance}>
        {(data) => <PerformanceView endpoint={endpoint} performance={data} policy={policy.data ?? null} />}
      </Loaded>
      <Loaded query={policy}>{(data) => <PolicyCard endpoint={endpoint} policy={data} />}</Loaded>
      <Section title="Decisions">
        <Loaded query={decisions}>
          {(data) => (
            <DecisionTable
              decisions={data}
              ofOne
              none="None yet. Each time accuracy falls below the threshold, what was done and why is recorded here."
            />
          )}
        </Loaded>
      </Section>
    </>
  )
}
