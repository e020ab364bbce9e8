import { useMutation } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { type PredictionForm, predict } from '../../api/endpoints.ts'
import { ApiError } from '../../api/errors.ts'
import { useScope } from '../../frame/project-context.ts'
import { type FormSession, useFormSession } from './form-session.ts'
import { type Draft, type FormReading, readForm, typicalDraft } from './form-values.ts'

/** Changes are asked about when nothing more was typed for this long. */
const PAUSE_MS = 450

export type Questions = {
  draft: Draft
  reading: FormReading
  session: FormSession
  setSession: (change: (now: FormSession) => FormSession) => void
  setDraft: (draft: Draft) => void
  /** Asks now. @returns false when a field is in error */
  ask: () => boolean
  pending: boolean
  error: unknown
  /** The server's complaint about one field: its name and words. */
  fieldError: { name: string; message: string } | null
}

/** What is typed and what was answered. After the first answer, every change is asked about by itself. */
export function useQuestions(form: PredictionForm): Questions {
  const scope = useScope()
  const [session, setSession] = useFormSession(`${scope.owner}/${scope.project}/${form.endpoint}`)
  const draft = session.draft ?? typicalDraft(form)
  const reading = readForm(form, draft)
  const asking = useMutation({
    mutationFn: (question: { draft: Draft; row: Record<string, unknown>; strange: string[] }) =>
      predict(scope, form.endpoint, question.row),
    onSuccess: (answer, question) => {
      const [first] = answer.predictions
      if (first === undefined) return
      const { predictions: _all, ...rest } = answer
      const asked = {
        id: first.id,
        draft: question.draft,
        answer: { ...rest, ...first },
        atMs: Date.now(),
        strange: question.strange,
        feedback: null,
      }
      setSession((now) => ({ ...now, asked: [asked, ...now.asked] }))
    },
  })
  const timer = useRef<number | undefined>(undefined)
  useEffect(() => () => window.clearTimeout(timer.current), [])
  const askAbout = (question: Draft): boolean => {
    window.clearTimeout(timer.current)
    const { row, readings } = readForm(form, question)
    if (row === null) return false
    const strange = form.fields.filter((field) => readings[field.name]?.warning !== null).map((field) => field.label)
    asking.mutate({ draft: question, row, strange })
    return true
  }
  const setDraft = (next: Draft) => {
    setSession((now) => ({ ...now, draft: next }))
    window.clearTimeout(timer.current)
    if (session.asked.length > 0) timer.current = window.setTimeout(() => askAbout(next), PAUSE_MS)
  }
  return {
    draft,
    reading,
    session,
    setSession,
    setDraft,
    ask: () => askAbout(draft),
    pending: asking.isPending,
    error: asking.error,
    fieldError: fieldErrorOf(asking.error),
  }
}

/** `rows[0].hours per week` → the field and what is wrong with it. */
function fieldErrorOf(error: unknown): Questions['fieldError'] {
  if (!(error instanceof ApiError) || error.field === null) return null
  const name = /rows\[0\]\.(.*)$/.exec(error.field)?.[1]
  return name === undefined ? null : { name, message: error.message }
}
