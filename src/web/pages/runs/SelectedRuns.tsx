import { Button } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { key, queryClient } from '../../api/query.ts'
import { deleteRun, restoreRun } from '../../api/runs.ts'
import type { Run } from '../../api/types.ts'
import { plural } from '../../format.ts'
import { useProject } from '../../frame/project-context.ts'
import type { Scope } from '../../paths.ts'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { ErrorView } from '../../ui/ErrorView.tsx'
import { MetricCharts } from './MetricCharts.tsx'
import css from './Runs.module.css'

/** What to do with the selected runs: their curves over each other, delete, restore. */
export function SelectedRuns({ scope, runs, onClear }: { scope: Scope; runs: Run[]; onClear: () => void }) {
  const { canWrite } = useProject()
  const [asking, setAsking] = useState(false)
  const deleted = runs.every((run) => run.lifecycle === 'deleted')
  const change = useMutation({
    mutationFn: async () => {
      for (const run of runs) await (deleted ? restoreRun(scope, run.id) : deleteRun(scope, run.id))
    },
    onSettled: () => queryClient.invalidateQueries({ queryKey: key(scope, 'runs') }),
    onSuccess: () => {
      setAsking(false)
      onClear()
    },
  })
  return (
    <>
      <div className={css.selection} role="toolbar" aria-label="Selected runs">
        <strong>{plural(runs.length, 'run')} selected</strong>
        {canWrite && runs.length > 0 && (
          <Button
            size="compact-sm"
            onClick={() => (deleted ? change.mutate() : setAsking(true))}
            loading={change.isPending}
          >
            {deleted ? 'Restore' : 'Delete'}
          </Button>
        )}
        <Button size="compact-sm" variant="subtle" onClick={onClear}>
          Clear
        </Button>
      </div>
      {deleted && <ErrorView error={change.error} />}
      <MetricCharts scope={scope} runs={runs} />
      <ConfirmModal
        opened={asking}
        onClose={() => setAsking(false)}
        title={`Delete ${plural(runs.length, 'run')}?`}
        verb={`Delete ${plural(runs.length, 'run')}`}
        pending={change.isPending}
        error={change.error}
        onConfirm={() => change.mutate()}
      >
        They leave the table; their metrics, files and models stay, and “Deleted” has a way to restore them.
      </ConfirmModal>
    </>
  )
}
