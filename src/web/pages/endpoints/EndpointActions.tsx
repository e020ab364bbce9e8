import { Button } from '@mantine/core'
import { IconArrowsExchange, IconPencil, IconTrash } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { changeEndpoint, type Endpoint, removeEndpoint } from '../../api/endpoints.ts'
import { key, queryClient } from '../../api/query.ts'
import { formatCount } from '../../format.ts'
import { useProject } from '../../frame/project-context.ts'
import { paths } from '../../paths.ts'
import { ActionMenu } from '../../ui/ActionMenu.tsx'
import { useGo } from '../../ui/AppLink.tsx'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { DescriptionModal } from '../../ui/DescriptionModal.tsx'
import { ChangeVersionModal } from './ChangeVersionModal.tsx'

/** What one may do with an endpoint: serve another version, describe it, delete it. */
export function EndpointActions({ endpoint }: { endpoint: Endpoint }) {
  const { scope, canWrite } = useProject()
  const [open, setOpen] = useState<'version' | 'remove' | 'describe' | null>(null)
  const close = () => setOpen(null)
  const describe = { label: 'Edit description…', icon: <IconPencil size={15} />, onClick: () => setOpen('describe') }
  const remove = {
    label: 'Delete endpoint…',
    icon: <IconTrash size={15} />,
    danger: true,
    onClick: () => setOpen('remove'),
  }
  return (
    <>
      <ActionMenu
        label={`Endpoint ${endpoint.name}`}
        actions={canWrite ? [describe, remove] : []}
        call={{
          name: 'Read this endpoint',
          method: 'GET',
          path: `/api/v1/projects/${scope.owner}/${scope.project}/endpoints/${endpoint.name}`,
        }}
      />
      {canWrite && (
        <Button leftSection={<IconArrowsExchange size={15} />} onClick={() => setOpen('version')}>
          Serve another version
        </Button>
      )}
      {open === 'describe' && (
        <DescriptionModal
          title={`Describe ${endpoint.name}`}
          description={endpoint.description}
          onClose={close}
          onSave={async (description) => {
            await changeEndpoint(scope, endpoint.name, { description })
            await queryClient.invalidateQueries({ queryKey: key(scope, 'endpoints') })
          }}
        />
      )}
      {open === 'version' && <ChangeVersionModal endpoint={endpoint} onClose={close} />}
      {open === 'remove' && <RemoveModal endpoint={endpoint} onClose={close} />}
    </>
  )
}

function RemoveModal({ endpoint, onClose }: { endpoint: Endpoint; onClose: () => void }) {
  const { scope } = useProject()
  const go = useGo()
  const remove = useMutation({
    mutationFn: () => removeEndpoint(scope, endpoint.name),
    onSuccess: async () => {
      go(paths.endpoints(scope))
      await queryClient.invalidateQueries({ queryKey: key(scope, 'endpoints') })
    },
  })
  return (
    <ConfirmModal
      opened
      onClose={onClose}
      title={`Delete the endpoint ${endpoint.name}`}
      verb="Delete endpoint"
      name={endpoint.name}
      pending={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
    >
      Its address stops answering at once, and its policy ends. The {formatCount(endpoint.stats.predictions_total)}{' '}
      predictions on record and the model {endpoint.model} stay.
    </ConfirmModal>
  )
}
