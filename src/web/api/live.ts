import { useEffect, useState } from 'react'
import type { Scope } from '../paths.ts'
import { apiUrl } from './client.ts'
import { key, queryClient, type Topic } from './query.ts'

/** Which cached answers an event makes stale, by the kind of thing it is about. */
const STALE: Record<string, Topic[]> = {
  project: ['project'],
  member: ['members'],
  webhook: ['webhooks'],
  experiment: ['experiments', 'runs'],
  run: ['runs', 'experiments', 'jobs'],
  logged_model: ['runs'],
  trace: ['traces'],
  model: ['models', 'runs', 'endpoints'],
  model_version: ['models', 'runs', 'endpoints'],
  alias: ['models', 'endpoints', 'monitoring'],
  form: ['models', 'endpoints'],
  dataset: ['datasets', 'catalogue'],
  dataset_version: ['datasets', 'catalogue'],
  job: ['jobs', 'runs', 'models', 'datasets'],
  endpoint: ['endpoints', 'monitoring'],
  feedback: ['monitoring', 'endpoints'],
  policy: ['monitoring', 'decisions'],
  decision: ['decisions', 'monitoring', 'models'],
}

/** What changes the recycle bin, whatever it is about. */
const IN_OR_OUT_OF_THE_BIN = new Set(['deleted', 'restored', 'purged'])

/** Invalidations are gathered for this long, so that a burst of events asks each question once. */
const GATHER_MS = 250
const RECONNECT_MS = 5_000

export type LiveState = { connected: boolean; sinceMs: number }

/** Follows a project's events and keeps what is on the screen true. Returns whether the line is up, and since when. */
export function useLiveEvents(scope: Scope): LiveState {
  const { owner, project } = scope
  const [state, setState] = useState<LiveState>({ connected: false, sinceMs: Date.now() })
  useEffect(() => {
    const here = { owner, project }
    const due = new Set<Topic>()
    let timer: number | undefined
    let wasDown = false
    const flush = () => {
      timer = undefined
      for (const topic of due) void queryClient.invalidateQueries({ queryKey: key(here, topic) })
      due.clear()
    }
    let source: EventSource
    let again: number | undefined
    const connect = () => {
      source = new EventSource(
        apiUrl(`/projects/${encodeURIComponent(owner)}/${encodeURIComponent(project)}/events/stream`),
      )
      source.onopen = () => {
        setState({ connected: true, sinceMs: Date.now() })
        // What happened while the line was down was not told: everything of this project may be stale.
        if (wasDown) void queryClient.invalidateQueries({ queryKey: ['p', owner, project] })
        wasDown = false
      }
      source.onerror = () => {
        wasDown = true
        setState((before) => (before.connected ? { connected: false, sinceMs: Date.now() } : before))
        // The browser tries again by itself, except after an answer that was an error (a proxy's 502 while we restart).
        if (source.readyState === EventSource.CLOSED) again = window.setTimeout(connect, RECONNECT_MS)
      }
      source.addEventListener('event', (message) => {
        const { kind, verb } = JSON.parse((message as MessageEvent<string>).data) as { kind: string; verb: string }
        due.add('events')
        if (IN_OR_OUT_OF_THE_BIN.has(verb)) due.add('recycle-bin')
        for (const topic of STALE[kind] ?? []) due.add(topic)
        timer ??= window.setTimeout(flush, GATHER_MS)
      })
    }
    connect()
    return () => {
      window.clearTimeout(timer)
      window.clearTimeout(again)
      source.close()
    }
  }, [owner, project])
  return state
}
