import { IconAlertTriangle } from '@tabler/icons-react'
import type { PredictionForm } from '../../api/endpoints.ts'
import { useProject } from '../../frame/project-context.ts'
import { paths } from '../../paths.ts'
import { AppLink } from '../../ui/AppLink.tsx'
import { ErrorView } from '../../ui/ErrorView.tsx'
import { Duration, Time } from '../../ui/values.tsx'
import { answerText, scoreOf, targetLabel } from './answer-text.ts'
import { FeedbackButtons } from './FeedbackButtons.tsx'
import css from './Form.module.css'
import type { Asked } from './form-session.ts'
import { Scores } from './Scores.tsx'
import type { Questions } from './use-questions.ts'

/** The answer, in place. A screen reader says it when it changes. */
export function AnswerPanel({ form, questions }: { form: PredictionForm; questions: Questions }) {
  const [latest] = questions.session.asked
  const wrong = form.fields
    .filter(
      (field) => questions.reading.readings[field.name]?.error !== null || questions.fieldError?.name === field.name,
    )
    .map((field) => field.label)
  const failed = questions.error !== null && questions.fieldError === null
  return (
    <section className={css.answer} aria-label="Answer" data-waiting={questions.pending || undefined}>
      <div role="status">
        {latest === undefined ? (
          <>
            <h2 className={css.caption}>{targetLabel(form.target.name)}</h2>
            <p className={css.unasked}>
              {form.target.labels === null ? 'The answer appears here.' : `One of: ${form.target.labels.join(', ')}`}
            </p>
          </>
        ) : (
          <Shown form={form} asked={latest} />
        )}
      </div>
      {failed && <ErrorView error={questions.error} />}
      {latest !== undefined && wrong.length > 0 && (
        <p className={css.warning}>
          This answers what was there before: {wrong.join(' and ')} {wrong.length === 1 ? 'needs' : 'need'} a look.
        </p>
      )}
      {latest !== undefined && <FeedbackButtons form={form} asked={latest} questions={questions} />}
      {latest !== undefined && <Small form={form} asked={latest} />}
    </section>
  )
}

function Shown({ form, asked }: { form: PredictionForm; asked: Asked }) {
  const { value, scores } = asked.answer
  const score = scoreOf(value, scores)
  return (
    <>
      <h2 className={css.caption}>{targetLabel(form.target.name)}</h2>
      <p className={css.big}>{answerText(value)}</p>
      {scores !== null && <Scores scores={scores} value={value} />}
      {score !== null && (
        <p className={css.words}>
          The model would expect to be right about this in {Math.round(score * 100)} of 100 such cases. That is its own
          estimate, not a promise.
        </p>
      )}
      {asked.strange.length > 0 && (
        <p className={css.caution}>
          <IconAlertTriangle size={16} aria-hidden />
          <span>
            {asked.strange.join(' and ')} {asked.strange.length === 1 ? 'is' : 'are'} outside what the model has seen.
            Do not rely on this answer.
          </span>
        </p>
      )}
    </>
  )
}

function Small({ form, asked }: { form: PredictionForm; asked: Asked }) {
  const { scope } = useProject()
  const { version, runtime, latency_ms } = asked.answer
  return (
    <p className={css.small}>
      <AppLink to={paths.modelVersion(scope, form.model, version)}>
        {form.model} v{version}
      </AppLink>
      <span>{runtime === 'onnx' ? 'ONNX' : 'Python'}</span>
      <span>
        computed in <Duration ms={latency_ms} />
      </span>
      <Time ms={asked.atMs} />
    </p>
  )
}
