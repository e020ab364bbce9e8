import { Autocomplete, Button, Modal, Select, Stack } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import type { Endpoint } from '../../api/endpoints.ts'
import { ApiError } from '../../api/errors.ts'
import { type ModelDetail, setAlias } from '../../api/models.ts'
import { key, queryClient } from '../../api/query.ts'
import { useScope } from '../../frame/project-context.ts'
import { ErrorView } from '../../ui/ErrorView.tsx'
import css from './Models.module.css'

type Props = {
  model: Pick<ModelDetail, 'name' | 'aliases'> & { versions: { version: number }[] }
  endpoints: Endpoint[]
  /** Null: a new alias. */
  alias: string | null
  version: number | null
  onClose: () => void
}

/** Points an alias at a version, and says beforehand what goes along. Mount it anew for each use. */
export function MoveAliasModal({ model, endpoints, alias, version, onClose }: Props) {
  const scope = useScope()
  const [name, setName] = useState(alias ?? (model.aliases.length === 0 ? 'champion' : ''))
  const [target, setTarget] = useState(String(version ?? model.versions[0]?.version ?? ''))
  const now = model.aliases.find((one) => one.alias === name.trim())?.version ?? null
  const move = useMutation({
    mutationFn: () => setAlias(scope, model.name, name.trim(), Number(target)),
    onSuccess: async () => {
      await Promise.all(
        (['models', 'endpoints', 'monitoring'] as const).map((topic) =>
          queryClient.invalidateQueries({ queryKey: key(scope, topic) }),
        ),
      )
      onClose()
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    move.mutate()
  }
  const error = move.error instanceof ApiError && move.error.fieldName === 'alias' ? move.error.message : null
  const same = now === Number(target)
  return (
    <Modal opened onClose={onClose} title={alias === null ? 'Add alias' : `Move the alias ${alias}`}>
      <form onSubmit={submit}>
        <Stack gap="md">
          <Autocomplete
            label="Alias"
            data={model.aliases.map((one) => one.alias)}
            value={name}
            onChange={setName}
            error={error}
            maxLength={255}
            data-autofocus={alias === null || undefined}
          />
          <Select
            label="Version"
            data={model.versions.map(({ version: number }) => ({ value: String(number), label: `Version ${number}` }))}
            value={target}
            onChange={(value) => value !== null && setTarget(value)}
            data-autofocus={alias !== null || undefined}
          />
          <Consequences
            model={model.name}
            alias={name.trim()}
            now={now}
            target={Number(target)}
            endpoints={endpoints}
          />
          {error === null && <ErrorView error={move.error} />}
          <div>
            <Button type="submit" variant="filled" loading={move.isPending} disabled={name.trim() === '' || same}>
              {now === null ? 'Add alias' : 'Move alias'}
            </Button>
          </div>
        </Stack>
      </form>
    </Modal>
  )
}

type ConsequencesProps = { model: string; alias: string; now: number | null; target: number; endpoints: Endpoint[] }

function Consequences({ model, alias, now, target, endpoints }: ConsequencesProps) {
  if (alias === '') return null
  if (now === target) return <p className="muted">{`${alias} points at version ${target} already.`}</p>
  const following = endpoints.filter((endpoint) => endpoint.alias === alias)
  return (
    <ul className={css.consequences} aria-label="What follows">
      {following.map((endpoint) => (
        <li key={endpoint.name}>
          The endpoint <strong>{endpoint.name}</strong> will serve <strong>v{target}</strong>
          {now === null ? '' : ` instead of v${now}`}, as soon as it is loaded; no request is lost meanwhile.
        </li>
      ))}
      {following.length === 0 && <li>No endpoint follows this alias: no traffic changes.</li>}
      <li>
        Programs that load <code>{`models:/${model}@${alias}`}</code> get version {target} from their next start on.
      </li>
      {following.length > 0 && (
        <li>A policy on such an endpoint judges version {target} by its own predictions only.</li>
      )}
    </ul>
  )
}
