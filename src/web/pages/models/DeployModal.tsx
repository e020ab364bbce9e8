import { Button, Modal, Select, Stack, TextInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { makeEndpoint, type NewEndpoint } from '../../api/endpoints.ts'
import { ApiError } from '../../api/errors.ts'
import { key, queryClient } from '../../api/query.ts'
import { useScope } from '../../frame/project-context.ts'
import { paths } from '../../paths.ts'
import { useGo } from '../../ui/AppLink.tsx'
import { ErrorView } from '../../ui/ErrorView.tsx'

type Props = {
  model: string
  aliases: { alias: string; version: number }[]
  versions: { version: number }[]
  /** The version that was looked at. */
  version?: number
  onClose: () => void
}

/** Serves a model under a name: at an address, with a form, with a record of what it predicts. */
export function DeployModal({ model, aliases, versions, version, onClose }: Props) {
  const scope = useScope()
  const go = useGo()
  const options = [
    ...aliases.map(({ alias, version: at }) => ({
      value: `@${alias}`,
      label: `${alias} (now v${at}), also after it moves`,
    })),
    ...versions.map(({ version: number }) => ({ value: String(number), label: `v${number} and no other` })),
  ]
  const preferred =
    aliases.find((one) => one.version === version) ??
    (version === undefined ? aliases.find((one) => one.alias === 'champion') : undefined)
  const [name, setName] = useState(slugOf(model))
  const [serves, setServes] = useState(
    preferred !== undefined ? `@${preferred.alias}` : String(version ?? options[0]?.value ?? ''),
  )
  const [description, setDescription] = useState('')
  const deploy = useMutation({
    mutationFn: () => makeEndpoint(scope, bodyOf(name, model, serves, description)),
    onSuccess: async (endpoint) => {
      await queryClient.invalidateQueries({ queryKey: key(scope, 'endpoints') })
      go(paths.endpoint(scope, endpoint.name))
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    deploy.mutate()
  }
  const error = deploy.error instanceof ApiError && deploy.error.fieldName === 'name' ? deploy.error.message : null
  return (
    <Modal opened onClose={onClose} title={`Deploy ${model}`}>
      <form onSubmit={submit}>
        <Stack gap="md">
          <TextInput
            label="Endpoint name"
            description={`Letters, digits, dashes, dots and underscores. Programs will call …/endpoints/${scope.owner}/${scope.project}/${name}/invocations`}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            error={error}
            data-autofocus
          />
          <Select
            label="Serves"
            data={options}
            value={serves}
            onChange={(value) => value !== null && setServes(value)}
            description={
              serves.startsWith('@')
                ? 'Moving the alias changes what is served, and a policy may retrain and promote.'
                : 'A policy cannot promote another version on an endpoint that is fixed to one.'
            }
          />
          <TextInput
            label="Description"
            description="For the people who will use its form."
            value={description}
            onChange={(event) => setDescription(event.currentTarget.value)}
          />
          {error === null && <ErrorView error={deploy.error} />}
          <div>
            <Button type="submit" variant="filled" loading={deploy.isPending} disabled={name === '' || serves === ''}>
              Deploy
            </Button>
          </div>
        </Stack>
      </form>
    </Modal>
  )
}

function bodyOf(name: string, model: string, serves: string, description: string): NewEndpoint {
  return {
    name,
    model,
    ...(serves.startsWith('@') ? { alias: serves.slice(1) } : { version: Number(serves) }),
    ...(description === '' ? {} : { description }),
  }
}

function slugOf(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
}
