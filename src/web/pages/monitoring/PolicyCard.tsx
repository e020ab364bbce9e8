import { Button } from '@mantine/core'
import { IconPencil } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import type { Endpoint } from '../../api/endpoints.ts'
import { evaluatePolicy, type Policy } from '../../api/monitoring.ts'
import { key, queryClient } from '../../api/query.ts'
import { useProject } from '../../frame/project-context.ts'
import { paths } from '../../paths.ts'
import { ActionMenu } from '../../ui/ActionMenu.tsx'
import { useGo } from '../../ui/AppLink.tsx'
import { ErrorView } from '../../ui/ErrorView.tsx'
import { Facts, Section } from '../../ui/Page.tsx'
import { StatusBadge } from '../../ui/StatusBadge.tsx'
import { useUrlParam } from '../../ui/url-state.ts'
import { Time } from '../../ui/values.tsx'
import css from './Monitoring.module.css'
import { PolicyForm } from './PolicyForm.tsx'
import { policySentences } from './words.ts'

/** The policy in words, and its form in the same place. */
export function PolicyCard({ endpoint, policy }: { endpoint: Endpoint; policy: Policy | null }) {
  const { scope, canWrite } = useProject()
  const [edit, setEdit] = useUrlParam('edit')
  const editing = edit === 'policy' && canWrite
  const path = `/api/v1/projects/${scope.owner}/${scope.project}/endpoints/${endpoint.name}/policy`
  return (
    <Section
      title="Policy"
      actions={
        !editing &&
        policy !== null && (
          <span className={css.tools}>
            <StatusBadge status={policy.enabled ? policy.state : 'off'} filled />
            {canWrite && <CheckNow endpoint={endpoint} />}
            {canWrite && (
              <Button size="compact-sm" leftSection={<IconPencil size={14} />} onClick={() => setEdit('policy')}>
                Change policy
              </Button>
            )}
            <ActionMenu label="Policy" call={{ name: 'Set this policy', method: 'PUT', path, body: bodyOf(policy) }} />
          </span>
        )
      }
    >
      {editing ? (
        <PolicyForm endpoint={endpoint} policy={policy} onDone={() => setEdit(null)} />
      ) : policy === null ? (
        <NoPolicy endpoint={endpoint} onAdd={() => setEdit('policy')} />
      ) : (
        <InWords policy={policy} />
      )}
    </Section>
  )
}

function InWords({ policy }: { policy: Policy }) {
  const parameters = Object.entries(policy.retrain.parameters)
  return (
    <div className={css.policy}>
      <ol>
        {policySentences(policy).map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ol>
      <Facts
        items={[
          ['Moves the alias', policy.alias],
          [
            'Retrains with',
            parameters.length === 0
              ? 'the champion’s own parameters'
              : parameters.map(([name, value]) => `${name} = ${value}`).join(', '),
          ],
          ['Set by', policy.created_by],
          ['Changed', <Time key="changed" ms={policy.updated_at_ms} />],
        ]}
      />
    </div>
  )
}

function NoPolicy({ endpoint, onAdd }: { endpoint: Endpoint; onAdd: () => void }) {
  const { canWrite } = useProject()
  return (
    <div className={css.policy}>
      <p className="muted">
        None: nothing happens by itself when accuracy falls. A policy retrains the model with the feedback, compares the
        new version with the one that serves on rows that neither was trained on, and promotes it only when it is
        better.
      </p>
      {endpoint.alias === null && (
        <p className="muted">
          It needs an endpoint that follows an alias; this one is fixed to v{endpoint.version}. “Serve another version”
          above changes that.
        </p>
      )}
      {canWrite && endpoint.alias !== null && (
        <div>
          <Button variant="filled" onClick={onAdd}>
            Add policy
          </Button>
        </div>
      )}
    </div>
  )
}

function CheckNow({ endpoint }: { endpoint: Endpoint }) {
  const { scope } = useProject()
  const go = useGo()
  const check = useMutation({
    mutationFn: () => evaluatePolicy(scope, endpoint.name),
    onSuccess: async (decision) => {
      await queryClient.invalidateQueries({ queryKey: key(scope, 'decisions') })
      if (decision !== null) go(paths.decision(scope, decision))
    },
  })
  return (
    <>
      {check.data === null && (
        <span className="muted small" role="status">
          Checked: nothing to decide now.
        </span>
      )}
      <ErrorView error={check.error} />
      <Button size="compact-sm" loading={check.isPending} onClick={() => check.mutate()}>
        Check now
      </Button>
    </>
  )
}

function bodyOf({ state: _s, updated_at_ms: _u, created_by: _c, metric: _m, alias: _a, ...settings }: Policy): unknown {
  return settings
}
