import { Button, Modal, Select, Stack } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { changeEndpoint, type Endpoint } from '../../api/endpoints.ts'
import { modelQuery } from '../../api/models.ts'
import { key, queryClient } from '../../api/query.ts'
import { useScope } from '../../frame/project-context.ts'
import { ErrorView } from '../../ui/ErrorView.tsx'

/** Lets an endpoint follow another alias, or fixes it to a version. */
export function ChangeVersionModal({ endpoint, onClose }: { endpoint: Endpoint; onClose: () => void }) {
  const scope = useScope()
  const model = useQuery(modelQuery(scope, endpoint.model))
  const now = endpoint.alias === null ? String(endpoint.version ?? '') : `@${endpoint.alias}`
  const [serves, setServes] = useState(now)
  const change = useMutation({
    mutationFn: () =>
      changeEndpoint(
        scope,
        endpoint.name,
        serves.startsWith('@') ? { alias: serves.slice(1) } : { version: Number(serves) },
      ),
    onSuccess: async () => {
      await Promise.all(
        (['endpoints', 'monitoring'] as const).map((topic) =>
          queryClient.invalidateQueries({ queryKey: key(scope, topic) }),
        ),
      )
      onClose()
    },
  })
  const options = [
    ...(model.data?.aliases ?? []).map(({ alias, version }) => ({
      value: `@${alias}`,
      label: `${alias} (now v${version}), also after it moves`,
    })),
    ...(model.data?.versions ?? []).map(({ version }) => ({
      value: String(version),
      label: `v${version} and no other`,
    })),
  ]
  const submit = (event: FormEvent) => {
    event.preventDefault()
    change.mutate()
  }
  return (
    <Modal opened onClose={onClose} title={`What ${endpoint.name} serves`}>
      <form onSubmit={submit}>
        <Stack gap="md">
          <Select
            label={`Version of ${endpoint.model}`}
            data={options}
            value={serves}
            onChange={(value) => value !== null && setServes(value)}
            description={
              serves.startsWith('@')
                ? 'To serve another version everywhere it is used, move the alias on the model’s page instead.'
                : 'While it is fixed to one version, a policy cannot promote another.'
            }
            data-autofocus
          />
          <p className="muted">
            The version that answers now goes on answering until the new one is loaded. No request is lost.
          </p>
          <ErrorView error={change.error} />
          <div>
            <Button type="submit" variant="filled" loading={change.isPending} disabled={serves === now}>
              Serve it
            </Button>
          </div>
        </Stack>
      </form>
    </Modal>
  )
}
