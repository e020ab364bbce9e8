import { IconTrash } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { deleteDataset, deleteDatasetVersion } from '../../api/data.ts'
import { key, queryClient } from '../../api/query.ts'
import { useProject } from '../../frame/project-context.ts'
import { paths } from '../../paths.ts'
import { ActionMenu } from '../../ui/ActionMenu.tsx'
import { useGo } from '../../ui/AppLink.tsx'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'

/** The rarer actions on a dataset, or on one version of it. `version` null: the whole dataset. */
export function DatasetMenu({ dataset, version }: { dataset: string; version: number | null }) {
  const { scope, canWrite } = useProject()
  const go = useGo()
  const [asking, setAsking] = useState(false)
  const remove = useMutation({
    mutationFn: () =>
      version === null ? deleteDataset(scope, dataset) : deleteDatasetVersion(scope, dataset, version),
    onSuccess: async () => {
      go(version === null ? paths.data(scope) : paths.dataset(scope, dataset))
      for (const topic of ['datasets', 'recycle-bin'] as const)
        await queryClient.invalidateQueries({ queryKey: key(scope, topic) })
    },
  })
  const name = version === null ? dataset : `${dataset}@${version}`
  const path = `/api/v1/projects/${scope.owner}/${scope.project}/datasets/${encodeURIComponent(dataset)}`
  const action = { label: 'Delete…', icon: <IconTrash size={15} />, danger: true, onClick: () => setAsking(true) }
  return (
    <>
      <ActionMenu
        label={name}
        actions={canWrite ? [action] : []}
        call={{
          name: version === null ? 'Read this dataset' : 'Read this version',
          method: 'GET',
          path: version === null ? path : `${path}/versions/${version}`,
        }}
      />
      <ConfirmModal
        opened={asking}
        onClose={() => setAsking(false)}
        title={`Delete ${name}`}
        verb={version === null ? 'Delete dataset' : 'Delete version'}
        pending={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate()}
      >
        {version === null
          ? 'The dataset goes into the recycle bin with all its versions, from where it can be restored.'
          : 'It goes into the recycle bin, from where it can be restored.'}{' '}
        Runs that used it still say so.
      </ConfirmModal>
    </>
  )
}
