import { IconCheck, IconX } from '@tabler/icons-react'
import type { PredictionForm } from '../../api/endpoints.ts'
import { formatShare } from '../../format.ts'
import { useScope } from '../../frame/project-context.ts'
import { paths } from '../../paths.ts'
import { AppLink } from '../../ui/AppLink.tsx'
import { Time } from '../../ui/values.tsx'
import { answerText, scoreOf } from './answer-text.ts'
import css from './Form.module.css'
import type { Asked } from './form-session.ts'
import type { Questions } from './use-questions.ts'

/** What was asked before, newest first, each as what it changed against the question before it. A click brings it back. */
export function SessionHistory({ form, questions }: { form: PredictionForm; questions: Questions }) {
  const scope = useScope()
  const { asked } = questions.session
  if (asked.length < 2) return null
  return (
    <section className={css.history} aria-label="Asked before">
      <h2 className={css.caption}>Asked in this session</h2>
      <ol>
        {asked.map((one, index) => (
          <li key={one.id}>
            <button type="button" className={css.past} onClick={() => questions.setDraft(one.draft)}>
              <strong className="truncate">{answerText(one.answer.value)}</strong>
              <span className={css.pastScore}>{formatShare(scoreOf(one.answer.value, one.answer.scores))}</span>
              <span className={`${css.pastChange} truncate`}>{changeText(form, one, asked[index + 1])}</span>
              <span>{one.feedback !== null && <Known correct={one.feedback.correct} />}</span>
              <span className="muted">
                <Time ms={one.atMs} />
              </span>
            </button>
          </li>
        ))}
      </ol>
      <p className="muted small">
        Every question is on record under{' '}
        <AppLink to={paths.endpointPredictions(scope, form.endpoint)}>Predictions</AppLink>.
      </p>
    </section>
  )
}

function Known({ correct }: { correct: boolean }) {
  return correct ? (
    <IconCheck size={14} color="var(--success)" aria-label="was right" />
  ) : (
    <IconX size={14} color="var(--danger)" aria-label="was wrong" />
  )
}

function changeText(form: PredictionForm, now: Asked, before: Asked | undefined): string {
  if (before === undefined) return 'first question'
  const changed = form.fields.filter((field) => now.draft[field.name] !== before.draft[field.name])
  if (changed.length === 0) return 'the same again'
  if (changed.length > 3) return `${changed.length} fields changed`
  return changed.map((field) => `${field.label} ${now.draft[field.name] || 'empty'}`).join(', ')
}
