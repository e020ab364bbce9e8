import { Button } from '@mantine/core'
import { IconArrowBackUp, IconCheck, IconX } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { approveDecision, type Decision, undoDecision } from '../../api/monitoring.ts'
import { key, queryClient, type Topic } from '../../api/query.ts'
import { useProject } from '../../frame/project-context.ts'
import { ActionMenu } from '../../ui/ActionMenu.tsx'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { ErrorView } from '../../ui/ErrorView.tsx'

const TOUCHED: Topic[] = ['decisions', 'monitoring', 'models', 'endpoints']

/** What people may still do: agree or refuse while it waits, take it back after it was promoted. */
export function DecisionActions({ decision }: { decision: Decision }) {
  const { scope, canWrite } = useProject()
  const [asking, setAsking] = useState(false)
  const done = async () => {
    await Promise.all(TOUCHED.map((topic) => queryClient.invalidateQueries({ queryKey: key(scope, topic) })))
    setAsking(false)
  }
  const approve = useMutation({ mutationFn: () => approveDecision(scope, decision.id), onSuccess: done })
  const undo = useMutation({ mutationFn: () => undoDecision(scope, decision.id), onSuccess: done })
  const { champion, challenger, endpoint } = decision
  const waits = decision.state === 'waiting'
  return (
    <>
      <ActionMenu
        label="Decision"
        call={{
          name: 'Read this decision',
          method: 'GET',
          path: `/api/v1/projects/${scope.owner}/${scope.project}/decisions/${decision.id}`,
        }}
      />
      {canWrite && (waits || decision.state === 'promoted') && (
        <Button
          leftSection={waits ? <IconX size={15} /> : <IconArrowBackUp size={15} />}
          onClick={() => setAsking(true)}
        >
          {waits ? 'Refuse' : 'Undo promotion'}
        </Button>
      )}
      {canWrite && waits && (
        <Button
          variant="filled"
          leftSection={<IconCheck size={15} />}
          loading={approve.isPending}
          onClick={() => approve.mutate()}
        >
          Approve: serve v{challenger?.version}
        </Button>
      )}
      <ErrorView error={approve.error} />
      <ConfirmModal
        opened={asking}
        onClose={() => setAsking(false)}
        title={waits ? `Refuse v${challenger?.version}` : `Undo the promotion of v${challenger?.version}`}
        verb={waits ? 'Refuse' : 'Undo promotion'}
        pending={undo.isPending}
        error={undo.error}
        onConfirm={() => undo.mutate()}
      >
        {waits ? (
          <>
            {endpoint} goes on serving v{champion.version}. Version {challenger?.version} stays registered, and its
            comparison stays on record. The policy rests twice as long as usual.
          </>
        ) : (
          <>
            The alias goes back to v{champion.version}, and {endpoint} serves v{champion.version} again as soon as it is
            loaded; no request is lost. Version {challenger?.version} stays registered, its predictions stay on record,
            and this decision is marked as undone. The policy rests before it acts again.
          </>
        )}
      </ConfirmModal>
    </>
  )
}
