import { useProject } from '../../frame/project-context.ts'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { Snippets } from '../../ui/Snippet.tsx'
import { TokenButton } from '../../ui/TokenButton.tsx'

/** How the first trace gets here. */
export function NoTraces() {
  const { project } = useProject()
  const uri = project.tracking_uri
  return (
    <EmptyState
      title="No traces yet"
      snippet={
        <Snippets
          action={<TokenButton />}
          variants={[
            {
              title: 'Python',
              code: `import mlflow\n\nmlflow.set_tracking_uri("${uri}")\n\n@mlflow.trace\ndef answer(question):\n    return f"You asked: {question}"\n\nanswer("why?")`,
            },
            {
              title: 'OpenAI',
              code: `import mlflow\n\nmlflow.set_tracking_uri("${uri}")\nmlflow.openai.autolog()`,
            },
            {
              title: 'OpenTelemetry',
              code: `export OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=${uri.replace(/\/$/, '')}/v1/traces\nexport OTEL_EXPORTER_OTLP_TRACES_HEADERS=x-mlflow-experiment-id=0\nexport OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/protobuf`,
            },
          ]}
        />
      }
    >
      A trace is one call of an application: its steps, how long each took, what went in and what came out. The MLflow
      client writes them, and so does everything that speaks OpenTelemetry.
    </EmptyState>
  )
}
