import { Button } from '@mantine/core'
import { type FormEvent, useRef } from 'react'
import type { PredictionForm } from '../../api/endpoints.ts'
import { formatShare } from '../../format.ts'
import { AnswerPanel } from './AnswerPanel.tsx'
import { answerText, scoreOf } from './answer-text.ts'
import { FieldInput } from './FieldInput.tsx'
import css from './Form.module.css'
import { draftOf, typicalDraft } from './form-values.ts'
import { SessionHistory } from './SessionHistory.tsx'
import { type Questions, useQuestions } from './use-questions.ts'

/** The form and, beside it, the answer, which changes in place. */
export function FormBody({ form }: { form: PredictionForm }) {
  const questions = useQuestions(form)
  const element = useRef<HTMLFormElement>(null)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (questions.ask()) return
    const wrong = form.fields.find((field) => questions.reading.readings[field.name]?.error !== null)
    const input = wrong === undefined ? null : document.getElementById(`field-${wrong.name}`)
    input?.scrollIntoView({ block: 'center' })
    input?.focus({ preventScroll: true })
  }
  return (
    <div className={css.layout}>
      <form ref={element} className={css.form} onSubmit={submit} noValidate aria-label={`Ask ${form.endpoint}`}>
        <Examples form={form} questions={questions} />
        {form.fields.map((field) => {
          const reading = questions.reading.readings[field.name]
          const refused = questions.fieldError?.name === field.name ? questions.fieldError.message : null
          return (
            <FieldInput
              key={field.name}
              field={field}
              typed={questions.draft[field.name] ?? ''}
              error={reading?.error ?? refused}
              warning={reading?.warning ?? null}
              onChange={(typed) => questions.setDraft({ ...questions.draft, [field.name]: typed })}
            />
          )
        })}
        <div className={css.submit}>
          <Button
            type="submit"
            variant="filled"
            size="md"
            className={css.button!}
            loading={questions.pending && questions.session.asked.length === 0}
          >
            Predict
          </Button>
          <Brief questions={questions} />
        </div>
      </form>
      <div className={css.side}>
        <AnswerPanel form={form} questions={questions} />
        <SessionHistory form={form} questions={questions} />
      </div>
    </div>
  )
}

/** The answer again, beside the button: on a phone the panel is far below. */
function Brief({ questions }: { questions: Questions }) {
  const [latest] = questions.session.asked
  if (latest === undefined) return null
  const score = scoreOf(latest.answer.value, latest.answer.scores)
  return (
    <span className={css.brief} aria-hidden>
      <strong>{answerText(latest.answer.value)}</strong>
      {score !== null && <span className="muted num">{formatShare(score)}</span>}
    </span>
  )
}

function Examples({ form, questions }: { form: PredictionForm; questions: Questions }) {
  const blank = form.fields.every((field) => field.typical === null)
  return (
    <div className={css.examples}>
      <p className="muted">
        {blank ? 'Fill in what is asked' : 'It is filled in with what is usual. Change what you know'}
        {form.examples.length > 0 ? ', or start from a real example:' : '.'} {form.note}
      </p>
      <div className={css.exampleButtons}>
        {form.examples.map((example, index) => (
          <Button
            // biome-ignore lint/suspicious/noArrayIndexKey: two examples may have the same title, and they never change places
            key={index}
            size="compact-sm"
            onClick={() => questions.setDraft(draftOf(form, example.values))}
          >
            {example.title}
          </Button>
        ))}
        <Button size="compact-sm" variant="subtle" onClick={() => questions.setDraft(typicalDraft(form))}>
          {blank ? 'Clear' : 'Back to the usual'}
        </Button>
      </div>
    </div>
  )
}
