import { useEffect, useState } from 'react'
import { apiUrl, projectPath } from '../../api/client.ts'
import { key, queryClient } from '../../api/query.ts'
import type { Scope } from '../../paths.ts'

export type JobLog = { text: string; ended: boolean; connected: boolean }

const RECONNECT_MS = 3_000

/** A job's output from its first byte, and then as it is written. After a break it goes on where it stopped. */
export function useJobLog(scope: Scope, job: string): JobLog {
  const { owner, project } = scope
  const [log, setLog] = useState<JobLog>({ text: '', ended: false, connected: false })
  useEffect(() => {
    const here = { owner, project }
    let offset = 0
    let source: EventSource
    let again: number | undefined
    setLog({ text: '', ended: false, connected: false })
    const connect = () => {
      source = new EventSource(`${apiUrl(projectPath(here, 'jobs', job, 'logs', 'stream'))}?offset=${offset}`)
      source.onopen = () => setLog((now) => ({ ...now, connected: true }))
      source.addEventListener('log', (message) => {
        const part = JSON.parse((message as MessageEvent<string>).data) as { text: string; offset: number }
        offset = part.offset
        setLog((now) => ({ ...now, text: now.text + part.text }))
      })
      source.addEventListener('end', () => {
        source.close()
        setLog((now) => ({ ...now, ended: true, connected: false }))
        void queryClient.invalidateQueries({ queryKey: key(here, 'jobs') })
      })
      source.onerror = () => {
        // Not by the browser itself: it would ask for the same offset again and print lines twice.
        source.close()
        setLog((now) => ({ ...now, connected: false }))
        again = window.setTimeout(connect, RECONNECT_MS)
      }
    }
    connect()
    return () => {
      window.clearTimeout(again)
      source.close()
    }
  }, [owner, project, job])
  return log
}
