import { useProject } from '../../frame/project-context.ts'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { Snippets } from '../../ui/Snippet.tsx'
import { TokenButton } from '../../ui/TokenButton.tsx'

/** How the first run gets here. */
export function NoRuns() {
  const { project } = useProject()
  const uri = project.tracking_uri
  return (
    <EmptyState
      title="No runs yet"
      waitingFor="Waiting for the first run"
      snippet={
        <Snippets
          action={<TokenButton />}
          variants={[
            {
              title: 'Python',
              code: `import mlflow\n\nmlflow.set_tracking_uri("${uri}")\nwith mlflow.start_run():\n    mlflow.log_param("depth", 6)\n    mlflow.log_metric("accuracy", 0.87)`,
            },
            {
              title: 'scikit-learn',
              code: `import mlflow\n\nmlflow.set_tracking_uri("${uri}")\nmlflow.sklearn.autolog()\nmodel.fit(X, y)`,
            },
            { title: 'Shell', code: `export MLFLOW_TRACKING_URI=${uri}\npython train.py` },
          ]}
        />
      }
    >
      A run is one training: its parameters, its metrics step by step, the data it read, the model it made. The MLflow
      client that you know writes them; only the address changes.
    </EmptyState>
  )
}
