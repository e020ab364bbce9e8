import { useQuery } from '@tanstack/react-query'
import { type Endpoint, formQuery, type PredictionForm } from '../../api/endpoints.ts'
import { configQuery } from '../../api/session.ts'
import { absolute } from '../../base.ts'
import { useScope } from '../../frame/project-context.ts'
import { Loaded } from '../../ui/Loading.tsx'
import { Section } from '../../ui/Page.tsx'
import { Snippet, Snippets } from '../../ui/Snippet.tsx'
import { TokenButton } from '../../ui/TokenButton.tsx'
import { EndpointShell } from './EndpointShell.tsx'
import { callSnippets, feedbackSnippets, type SnippetInput } from './use-snippets.ts'

/** How a program asks this endpoint, with its real address and a real row. */
export function UsePage() {
  return <EndpointShell tab="use">{(endpoint) => <Snips endpoint={endpoint} />}</EndpointShell>
}

function Snips({ endpoint }: { endpoint: Endpoint }) {
  const scope = useScope()
  const form = useQuery({
    ...formQuery(scope, endpoint.name, endpoint.serving.version),
    enabled: endpoint.serving.version !== null,
  })
  const config = useQuery(configQuery)
  if (endpoint.serving.version === null)
    return <p className="muted">How to call it appears here as soon as a version answers.</p>
  return (
    <Loaded query={form}>
      {(data) => {
        const input: SnippetInput = {
          url: absolute(`/endpoints/${scope.owner}/${scope.project}/${endpoint.name}`),
          api: absolute(`/api/v1/projects/${scope.owner}/${scope.project}/endpoints/${endpoint.name}`),
          server: absolute('').replace(/\/$/, ''),
          name: endpoint.name,
          path: `${scope.owner}/${scope.project}/${endpoint.name}`,
          fields: data.fields,
          row: sampleRow(data),
          truth: data.target.labels?.[0] ?? 1,
          token: config.data?.accounts === true,
        }
        return (
          <>
            <p className="muted" style={{ maxWidth: '72ch' }}>
              The same endpoint speaks MLflow’s scoring protocol, the Open Inference Protocol v2 and our own API. Each
              answer is recorded whatever the protocol, and each says which version gave it.
            </p>
            <Section title="Ask">
              <Snippets variants={callSnippets(input)} action={<TokenButton />} />
            </Section>
            <Section title="Say what it really was">
              <p className="muted" style={{ maxWidth: '72ch' }}>
                The header <code>x-prediction-ids</code> (or <code>id</code> in our API’s answer) names each prediction.
                Send the truth when it is known: the accuracy under Monitoring, and a policy’s retraining, are made of
                it.
              </p>
              <Snippets variants={feedbackSnippets(input)} />
            </Section>
            <Section title="Address">
              <Snippet title="MLflow scoring" code={endpoint.url} />
              <Snippet title="Open Inference Protocol v2" code={`${input.url}/v2/models/${endpoint.name}/infer`} />
            </Section>
          </>
        )
      }}
    </Loaded>
  )
}

/** A row that the model takes: a real example, else what is typical. */
function sampleRow(form: PredictionForm): Record<string, unknown> {
  const example = form.examples[0]?.values
  return Object.fromEntries(
    form.fields.map((field) => {
      const value = example?.[field.name] ?? field.typical
      if (value !== null && value !== undefined) return [field.name, value]
      return [
        field.name,
        field.kind === 'number' || field.kind === 'integer' ? 0 : field.kind === 'boolean' ? false : '',
      ]
    }),
  )
}
