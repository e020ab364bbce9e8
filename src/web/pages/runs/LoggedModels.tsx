import { Button, Modal, Stack, TextInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { key, queryClient } from '../../api/query.ts'
import { registerModel } from '../../api/runs.ts'
import type { Run, RunModel } from '../../api/types.ts'
import { useProject } from '../../frame/project-context.ts'
import { paths, type Scope } from '../../paths.ts'
import { useGo } from '../../ui/AppLink.tsx'
import { Chip, Chips } from '../../ui/Chip.tsx'
import { ErrorView } from '../../ui/ErrorView.tsx'
import { Section } from '../../ui/Page.tsx'
import { StatusBadge } from '../../ui/StatusBadge.tsx'
import css from './Runs.module.css'

/** Models that the run logged, and the way into the registry. */
export function LoggedModels({ scope, run }: { scope: Scope; run: Run }) {
  const { canWrite } = useProject()
  const [chosen, setChosen] = useState<RunModel | null>(null)
  return (
    <Section title="Models">
      <ul className={css.models}>
        {run.models.map((model) => (
          <li key={model.id}>
            <strong>{model.name}</strong>
            <StatusBadge status={model.status} />
            <Chips>
              {model.registered.map(({ name, version }) => (
                <Chip key={name + version} kind="model" to={paths.modelVersion(scope, name, version)}>
                  {name} v{version}
                </Chip>
              ))}
            </Chips>
            {canWrite && (
              <Button
                size="compact-sm"
                variant={model.registered.length === 0 ? 'filled' : 'default'}
                onClick={() => setChosen(model)}
              >
                Register model
              </Button>
            )}
          </li>
        ))}
      </ul>
      <Modal opened={chosen !== null} onClose={() => setChosen(null)} title="Register model">
        {chosen !== null && <RegisterForm scope={scope} run={run} model={chosen} />}
      </Modal>
    </Section>
  )
}

function RegisterForm({ scope, run, model }: { scope: Scope; run: Run; model: RunModel }) {
  const go = useGo()
  const [name, setName] = useState(model.registered[0]?.name ?? '')
  const register = useMutation({
    mutationFn: () => registerModel(scope, name, { source: `models:/${model.id}`, run_id: run.id }),
    onSuccess: async (version) => {
      await queryClient.invalidateQueries({ queryKey: key(scope, 'models') })
      go(paths.modelVersion(scope, version.name, version.version))
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    register.mutate()
  }
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        <TextInput
          label="Registered model"
          description="A name that exists gets a new version; otherwise the model is made."
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          data-autofocus
        />
        <ErrorView error={register.error} />
        <div>
          <Button type="submit" variant="filled" disabled={name.trim() === ''} loading={register.isPending}>
            Register model
          </Button>
        </div>
      </Stack>
    </form>
  )
}
