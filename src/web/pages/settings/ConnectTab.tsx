import { useQuery } from '@tanstack/react-query'
import { configQuery } from '../../api/session.ts'
import { absolute } from '../../base.ts'
import { useProject } from '../../frame/project-context.ts'
import { Section } from '../../ui/Page.tsx'
import { Snippet, Snippets } from '../../ui/Snippet.tsx'
import { TokenButton } from '../../ui/TokenButton.tsx'

/** How each client reaches this project. */
export function ConnectTab() {
  const { scope, project } = useProject()
  const config = useQuery(configQuery)
  const server = absolute('/').replace(/\/$/, '')
  const token = config.data?.accounts === true
  const lines = (...all: (string | false)[]) => all.filter((line) => line !== false).join('\n')
  return (
    <div style={{ display: 'grid', gap: 24, maxWidth: 860 }}>
      <Section title="MLflow">
        <Snippets
          action={<TokenButton />}
          variants={[
            {
              title: 'Shell',
              code: lines(
                `export MLFLOW_TRACKING_URI=${project.tracking_uri}`,
                token && 'export MLFLOW_TRACKING_TOKEN=…',
              ),
            },
            { title: 'Python', code: `import mlflow\n\nmlflow.set_tracking_uri("${project.tracking_uri}")` },
          ]}
        />
      </Section>
      <Section title="Command line">
        <Snippet
          title="Shell"
          code={lines(
            `export TRAINYARD_URL=${server}`,
            token && 'export TRAINYARD_TOKEN=…',
            `npx trainyard run ./my-training --project ${scope.owner}/${scope.project}`,
          )}
        />
      </Section>
      <Section title="API">
        <Snippet
          title="curl"
          code={lines(
            `curl ${server}/api/v1/projects/${scope.owner}/${scope.project}${token ? ' \\' : ''}`,
            token && '  -H "Authorization: Bearer …"',
          )}
        />
      </Section>
    </div>
  )
}
