import { useSyncExternalStore } from 'react'
import type { Answer } from '../../api/endpoints.ts'
import type { Draft } from './form-values.ts'

/** What one question and its answer were, and what it turned out to be. */
export type Asked = {
  id: string
  draft: Draft
  answer: Omit<Answer, 'predictions'> & Answer['predictions'][number]
  atMs: number
  /** Labels of the fields whose value the model had never seen. */
  strange: string[]
  feedback: { correct: boolean; truth: unknown } | null
}
export type FormSession = { draft: Draft | null; asked: Asked[] }

const KEPT = 20
const EMPTY: FormSession = { draft: null, asked: [] }
/** Until the browser tab is closed or reloaded: looking at another page must not lose what was typed. */
const sessions = new Map<string, FormSession>()
const watchers = new Set<() => void>()

/** What was typed into an endpoint's form and asked in this session, and the way to change it. */
export function useFormSession(key: string): [FormSession, (change: (now: FormSession) => FormSession) => void] {
  const session = useSyncExternalStore(watch, () => sessions.get(key) ?? EMPTY)
  const set = (change: (now: FormSession) => FormSession) => {
    const next = change(sessions.get(key) ?? EMPTY)
    sessions.set(key, { ...next, asked: next.asked.slice(0, KEPT) })
    for (const tell of watchers) tell()
  }
  return [session, set]
}

function watch(callback: () => void): () => void {
  watchers.add(callback)
  return () => watchers.delete(callback)
}
