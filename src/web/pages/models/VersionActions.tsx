import { Button } from '@mantine/core'
import { IconCopy, IconPencil, IconRocket, IconTag, IconTrash } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { Endpoint } from '../../api/endpoints.ts'
import { describeVersion, type ModelVersion, modelQuery, versionPath } from '../../api/models.ts'
import { key, queryClient } from '../../api/query.ts'
import { meQuery } from '../../api/session.ts'
import { useProject } from '../../frame/project-context.ts'
import { ActionMenu } from '../../ui/ActionMenu.tsx'
import { DescriptionModal } from '../../ui/DescriptionModal.tsx'
import { CopyVersionModal } from './CopyVersionModal.tsx'
import { DeleteModal } from './DeleteModal.tsx'
import { DeployModal } from './DeployModal.tsx'
import { MoveAliasModal } from './MoveAliasModal.tsx'

/** What one may do with a version: point an alias at it, deploy it, describe it, copy it elsewhere, delete it. */
export function VersionActions({ version, endpoints }: { version: ModelVersion; endpoints: Endpoint[] }) {
  const { scope, canWrite } = useProject()
  const { name, version: number } = version
  const model = useQuery(modelQuery(scope, name))
  const signedIn = useQuery(meQuery).data?.kind !== 'anonymous'
  const [open, setOpen] = useState<'alias' | 'deploy' | 'describe' | 'copy' | 'delete' | null>(null)
  const close = () => setOpen(null)
  const describe = { label: 'Edit description…', icon: <IconPencil size={15} />, onClick: () => setOpen('describe') }
  // Whoever may read it may copy it into a project of their own.
  const copy = { label: 'Copy to another project…', icon: <IconCopy size={15} />, onClick: () => setOpen('copy') }
  const remove = { label: 'Delete…', icon: <IconTrash size={15} />, danger: true, onClick: () => setOpen('delete') }
  return (
    <>
      <ActionMenu
        label={`${name} v${number}`}
        actions={canWrite ? [describe, copy, remove] : signedIn ? [copy] : []}
        call={{ name: 'Read this version', method: 'GET', path: `/api/v1${versionPath(scope, name, number)}` }}
      />
      {canWrite && (
        <>
          <Button leftSection={<IconTag size={15} />} onClick={() => setOpen('alias')}>
            Move alias here
          </Button>
          <Button variant="filled" leftSection={<IconRocket size={15} />} onClick={() => setOpen('deploy')}>
            Deploy
          </Button>
        </>
      )}
      {open === 'alias' && model.data !== undefined && (
        <MoveAliasModal model={model.data} endpoints={endpoints} alias={null} version={number} onClose={close} />
      )}
      {open === 'describe' && (
        <DescriptionModal
          title={`Describe ${name} v${number}`}
          description={version.description}
          onClose={close}
          onSave={async (text) => {
            await describeVersion(scope, name, number, text)
            await queryClient.invalidateQueries({ queryKey: key(scope, 'models') })
          }}
        />
      )}
      {open === 'copy' && <CopyVersionModal version={version} onClose={close} />}
      {open === 'delete' && (
        <DeleteModal
          model={name}
          version={number}
          aliases={version.aliases}
          endpoints={endpoints.filter((endpoint) => endpoint.serving.version === number)}
          onClose={close}
        />
      )}
      {open === 'deploy' && (
        <DeployModal
          model={name}
          aliases={model.data?.aliases ?? []}
          versions={[{ version: number }]}
          version={number}
          onClose={close}
        />
      )}
    </>
  )
}
