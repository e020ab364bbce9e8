import { Button, Select } from '@mantine/core'
import { IconThumbDown, IconThumbUp } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { type PredictionForm, sendFeedback } from '../../api/endpoints.ts'
import { useProject } from '../../frame/project-context.ts'
import { ErrorView } from '../../ui/ErrorView.tsx'
import { answerText } from './answer-text.ts'
import css from './Form.module.css'
import type { Asked } from './form-session.ts'
import type { Questions } from './use-questions.ts'

type Props = { form: PredictionForm; asked: Asked; questions: Questions }

/** Was it right? With two possible outcomes, "no" says what it was; with more, it asks. */
export function FeedbackButtons({ form, asked, questions }: Props) {
  const { scope, canWrite } = useProject()
  const [choosing, setChoosing] = useState<string | null>(null)
  const send = useMutation({
    mutationFn: (feedback: { correct: boolean; truth: unknown }) =>
      sendFeedback(
        scope,
        form.endpoint,
        feedback.truth === undefined
          ? { prediction_id: asked.id, correct: feedback.correct }
          : { prediction_id: asked.id, truth: feedback.truth },
      ),
    onSuccess: (_answer, feedback) => {
      setChoosing(null)
      questions.setSession((now) => ({
        ...now,
        asked: now.asked.map((one) => (one.id === asked.id ? { ...one, feedback } : one)),
      }))
    },
  })
  if (!canWrite) return null
  const { value } = asked.answer
  const others = (form.target.labels ?? []).filter((label) => label !== String(value))
  const wrong = () => {
    if (others.length === 1) send.mutate({ correct: false, truth: truthOf(others[0]!, value) })
    else if (others.length > 1) setChoosing(asked.id)
    else send.mutate({ correct: false, truth: undefined })
  }
  if (asked.feedback !== null)
    return <Recorded feedback={asked.feedback} onChange={() => changeMind(questions, asked.id)} />
  return (
    <div className={css.feedback}>
      <span className="muted">Was this right?</span>
      <Button
        size="compact-sm"
        leftSection={<IconThumbUp size={14} />}
        disabled={send.isPending}
        onClick={() => send.mutate({ correct: true, truth: value })}
      >
        Yes
      </Button>
      <Button size="compact-sm" leftSection={<IconThumbDown size={14} />} disabled={send.isPending} onClick={wrong}>
        {others.length === 1 ? `No, ${others[0]}` : 'No'}
      </Button>
      {choosing === asked.id && (
        <Select
          size="xs"
          aria-label="What it really was"
          placeholder="What was it?"
          data={others}
          value={null}
          onChange={(label) => label !== null && send.mutate({ correct: false, truth: truthOf(label, value) })}
          defaultDropdownOpened
        />
      )}
      <ErrorView error={send.error} />
    </div>
  )
}

function Recorded({ feedback, onChange }: { feedback: NonNullable<Asked['feedback']>; onChange: () => void }) {
  const wrong = feedback.truth === undefined ? 'it was wrong' : `it was ${answerText(feedback.truth)}`
  return (
    <p className={css.feedback} role="status">
      <span>Thank you, recorded: {feedback.correct ? 'it was right' : wrong}.</span>
      <Button size="compact-sm" variant="subtle" onClick={onChange}>
        Change
      </Button>
    </p>
  )
}

/** A label of the form as the model writes it: numbers stay numbers. */
function truthOf(label: string, like: unknown): unknown {
  return typeof like === 'number' && label.trim() !== '' && !Number.isNaN(Number(label)) ? Number(label) : label
}

function changeMind(questions: Questions, id: string): void {
  questions.setSession((now) => ({
    ...now,
    asked: now.asked.map((one) => (one.id === id ? { ...one, feedback: null } : one)),
  }))
}
