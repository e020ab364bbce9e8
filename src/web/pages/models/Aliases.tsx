import { Button } from '@mantine/core'
import { IconTag } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import type { Endpoint } from '../../api/endpoints.ts'
import { type ModelDetail, removeAlias } from '../../api/models.ts'
import { key, queryClient } from '../../api/query.ts'
import { useProject } from '../../frame/project-context.ts'
import { paths } from '../../paths.ts'
import { AppLink } from '../../ui/AppLink.tsx'
import { Chip, Chips } from '../../ui/Chip.tsx'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { CopyButton } from '../../ui/CopyButton.tsx'
import { Section } from '../../ui/Page.tsx'
import css from './Models.module.css'

type Props = { model: ModelDetail; endpoints: Endpoint[]; onMove: (alias: string | null) => void }

/** The model's aliases: where each points, what follows it, and the ways to move or remove it. */
export function Aliases({ model, endpoints, onMove }: Props) {
  const { scope, canWrite } = useProject()
  const [removing, setRemoving] = useState<string | null>(null)
  const followers = (alias: string) => endpoints.filter((endpoint) => endpoint.alias === alias)
  const actions = canWrite && model.versions.length > 0 && (
    <Button size="compact-sm" leftSection={<IconTag size={14} />} onClick={() => onMove(null)}>
      Add alias
    </Button>
  )
  return (
    <Section title="Aliases" actions={actions}>
      {model.aliases.length === 0 && (
        <p className="muted">
          None. An alias is a name for one version, such as champion; who uses models:/{model.name}@champion gets what
          it points at.
        </p>
      )}
      <ul className={css.aliases}>
        {model.aliases.map(({ alias, version }) => (
          <li key={alias} className={css.alias}>
            <Chip kind="tag" tone="accent">
              {alias}
            </Chip>
            <span>
              <span className="muted">points at </span>
              <AppLink to={paths.modelVersion(scope, model.name, version)}>version {version}</AppLink>
            </span>
            <span className={css.followers}>
              <Followers endpoints={followers(alias)} />
            </span>
            <CopyButton text={`models:/${model.name}@${alias}`} what={`models:/${model.name}@${alias}`} />
            {canWrite && (
              <>
                <Button size="compact-sm" aria-label={`Move ${alias}`} onClick={() => onMove(alias)}>
                  Move
                </Button>
                <Button
                  size="compact-sm"
                  variant="subtle"
                  aria-label={`Remove ${alias}`}
                  onClick={() => setRemoving(alias)}
                >
                  Remove
                </Button>
              </>
            )}
          </li>
        ))}
      </ul>
      {removing !== null && (
        <RemoveModal
          model={model.name}
          alias={removing}
          followers={followers(removing)}
          onClose={() => setRemoving(null)}
        />
      )}
    </Section>
  )
}

type RemoveProps = { model: string; alias: string; followers: Endpoint[]; onClose: () => void }

function RemoveModal({ model, alias, followers, onClose }: RemoveProps) {
  const { scope } = useProject()
  const remove = useMutation({
    mutationFn: () => removeAlias(scope, model, alias),
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: key(scope, 'models') })
      onClose()
    },
  })
  const names = followers.map((endpoint) => endpoint.name)
  return (
    <ConfirmModal
      opened
      onClose={onClose}
      title={`Remove the alias ${alias}`}
      verb="Remove alias"
      pending={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
    >
      {names.length === 0 && 'No endpoint follows it. '}
      {names.length === 1 && `The endpoint ${names[0]} follows it and will have nothing to serve. `}
      {names.length > 1 && `The endpoints ${names.join(' and ')} follow it and will have nothing to serve. `}
      Programs that load models:/{model}@{alias} will fail. The versions stay.
    </ConfirmModal>
  )
}

function Followers({ endpoints }: { endpoints: Endpoint[] }) {
  const { scope } = useProject()
  if (endpoints.length === 0) return <span className="muted">no endpoint follows it</span>
  return (
    <>
      <span className="muted">followed by</span>
      <Chips>
        {endpoints.map((endpoint) => (
          <Chip key={endpoint.name} kind="endpoint" to={paths.endpoint(scope, endpoint.name)}>
            {endpoint.name}
          </Chip>
        ))}
      </Chips>
    </>
  )
}
