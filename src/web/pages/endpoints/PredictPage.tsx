import { useQuery } from '@tanstack/react-query'
import { type Endpoint, formQuery } from '../../api/endpoints.ts'
import { useScope } from '../../frame/project-context.ts'
import { Loaded } from '../../ui/Loading.tsx'
import { EndpointShell } from './EndpointShell.tsx'
import { FormBody } from './FormBody.tsx'

/** An endpoint's first page: a form for somebody who never heard of models. */
export function PredictPage() {
  return <EndpointShell tab="predict">{(endpoint) => <PredictionFormOf endpoint={endpoint} />}</EndpointShell>
}

function PredictionFormOf({ endpoint }: { endpoint: Endpoint }) {
  const scope = useScope()
  const form = useQuery({
    ...formQuery(scope, endpoint.name, endpoint.serving.version),
    enabled: endpoint.serving.version !== null,
    // A new version's form replaces the old one when it is there, not before.
    placeholderData: (before) => before,
  })
  if (endpoint.serving.version === null && form.data === undefined) {
    return <p className="muted">The form appears as soon as a version answers.</p>
  }
  return (
    <Loaded query={form}>
      {(data) => <FormBody key={data.fields.map((field) => field.name).join()} form={data} />}
    </Loaded>
  )
}
