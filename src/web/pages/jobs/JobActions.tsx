import { Button } from '@mantine/core'
import { IconPlayerStop, IconRefresh } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { cancelJob, isJobActive, retryJob } from '../../api/jobs.ts'
import { key, queryClient } from '../../api/query.ts'
import type { Job } from '../../api/types.ts'
import { useProject } from '../../frame/project-context.ts'
import { paths, type Scope } from '../../paths.ts'
import { useGo } from '../../ui/AppLink.tsx'
import { ErrorView } from '../../ui/ErrorView.tsx'

/** Stop what runs, repeat what ended. */
export function JobActions({ scope, job }: { scope: Scope; job: Job }) {
  const go = useGo()
  const { canWrite } = useProject()
  const refresh = () => queryClient.invalidateQueries({ queryKey: key(scope, 'jobs') })
  const cancel = useMutation({ mutationFn: () => cancelJob(scope, job.id), onSuccess: refresh })
  const retry = useMutation({
    mutationFn: () => retryJob(scope, job.id),
    onSuccess: async (next) => {
      await refresh()
      go(paths.job(scope, next.id))
    },
  })
  if (!canWrite) return null
  return (
    <>
      <ErrorView error={cancel.error ?? retry.error} />
      {isJobActive(job) ? (
        <Button
          variant="danger"
          leftSection={<IconPlayerStop size={15} />}
          onClick={() => cancel.mutate()}
          loading={cancel.isPending}
          disabled={job.cancel_requested}
        >
          Cancel job
        </Button>
      ) : (
        <Button leftSection={<IconRefresh size={15} />} onClick={() => retry.mutate()} loading={retry.isPending}>
          Run again
        </Button>
      )}
    </>
  )
}
