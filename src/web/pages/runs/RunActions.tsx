import { ActionIcon, Button, Menu, Modal, Stack, TextInput } from '@mantine/core'
import { useClipboard } from '@mantine/hooks'
import { IconBrandPython, IconDots, IconPencil, IconTerminal2, IconTrash } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { projectPath } from '../../api/client.ts'
import { key, queryClient } from '../../api/query.ts'
import { deleteRun, renameRun, restoreRun } from '../../api/runs.ts'
import type { Run } from '../../api/types.ts'
import { absolute } from '../../base.ts'
import { useProject } from '../../frame/project-context.ts'
import type { Scope } from '../../paths.ts'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { ErrorView } from '../../ui/ErrorView.tsx'

/** Rename, copy as code, delete, restore. */
export function RunActions({ scope, run }: { scope: Scope; run: Run }) {
  const { project, canWrite } = useProject()
  const clipboard = useClipboard()
  const [asking, setAsking] = useState<'rename' | 'delete' | null>(null)
  const close = () => setAsking(null)
  const refresh = () => queryClient.invalidateQueries({ queryKey: key(scope, 'runs') })
  const remove = useMutation({
    mutationFn: () => deleteRun(scope, run.id),
    onSuccess: refresh,
    onSettled: (_data, error) => error === null && close(),
  })
  const restore = useMutation({ mutationFn: () => restoreRun(scope, run.id), onSuccess: refresh })
  const python = `import mlflow\n\nmlflow.set_tracking_uri("${project.tracking_uri}")\nrun = mlflow.get_run("${run.id}")`
  const curl = `curl ${absolute(`/api/v1${projectPath(scope, 'runs', run.id)}`)}`
  return (
    <>
      {run.lifecycle === 'deleted' && canWrite && (
        <Button variant="filled" onClick={() => restore.mutate()} loading={restore.isPending}>
          Restore run
        </Button>
      )}
      <ErrorView error={restore.error} />
      <Menu width={200}>
        <Menu.Target>
          <ActionIcon aria-label="More actions" size={30}>
            <IconDots size={16} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<IconBrandPython size={15} />} onClick={() => clipboard.copy(python)}>
            Copy as Python
          </Menu.Item>
          <Menu.Item leftSection={<IconTerminal2 size={15} />} onClick={() => clipboard.copy(curl)}>
            Copy as curl
          </Menu.Item>
          {canWrite && run.lifecycle !== 'deleted' && (
            <>
              <Menu.Divider />
              <Menu.Item leftSection={<IconPencil size={15} />} onClick={() => setAsking('rename')}>
                Rename run
              </Menu.Item>
              <Menu.Item
                leftSection={<IconTrash size={15} />}
                onClick={() => setAsking('delete')}
                style={{ color: 'var(--danger)' }}
              >
                Delete run
              </Menu.Item>
            </>
          )}
        </Menu.Dropdown>
      </Menu>
      <Modal opened={asking === 'rename'} onClose={close} title="Rename run">
        <RenameForm scope={scope} run={run} onDone={close} />
      </Modal>
      <ConfirmModal
        opened={asking === 'delete'}
        onClose={close}
        title={`Delete ${run.name}?`}
        verb="Delete run"
        pending={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate()}
      >
        It leaves the table; its metrics, files and models stay, and it can be restored.
      </ConfirmModal>
    </>
  )
}

function RenameForm({ scope, run, onDone }: { scope: Scope; run: Run; onDone: () => void }) {
  const [name, setName] = useState(run.name)
  const rename = useMutation({
    mutationFn: () => renameRun(scope, run.id, name),
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: key(scope, 'runs') })
      onDone()
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    rename.mutate()
  }
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        <TextInput label="Name" value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
        <ErrorView error={rename.error} />
        <div>
          <Button type="submit" variant="filled" disabled={name.trim() === ''} loading={rename.isPending}>
            Rename run
          </Button>
        </div>
      </Stack>
    </form>
  )
}
