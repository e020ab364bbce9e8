import { IconCheck, IconX } from '@tabler/icons-react'
import type { Endpoint, Prediction } from '../../api/endpoints.ts'
import { formatCell } from '../../format.ts'
import { useScope } from '../../frame/project-context.ts'
import { paths } from '../../paths.ts'
import { Chip } from '../../ui/Chip.tsx'
import { CopyButton } from '../../ui/CopyButton.tsx'
import { Facts, Section } from '../../ui/Page.tsx'
import { SidePanel } from '../../ui/SidePanel.tsx'
import { Duration, Time } from '../../ui/values.tsx'
import { answerText } from './answer-text.ts'
import css from './Form.module.css'
import { Scores } from './Scores.tsx'

/** What is known about the truth of a prediction, as shape, colour and word. */
export function FeedbackCell({ prediction }: { prediction: Prediction }) {
  const { feedback } = prediction
  if (feedback === null) return <span className="muted">not known yet</span>
  const Icon = feedback.correct ? IconCheck : IconX
  const colour = feedback.correct ? 'var(--success)' : 'var(--danger)'
  return (
    <span style={{ display: 'inline-flex', gap: 6, alignItems: 'center', color: colour }}>
      <Icon size={14} aria-hidden />
      {feedback.correct ? 'right' : feedback.truth === null ? 'wrong' : `was ${answerText(feedback.truth)}`}
    </span>
  )
}

type Props = { endpoint: Endpoint; prediction: Prediction | undefined; opened: boolean; onClose: () => void }

/** One prediction: what was asked, what was answered, by which version, and what it really was. */
export function PredictionPanel({ endpoint, prediction, opened, onClose }: Props) {
  return (
    <SidePanel opened={opened} onClose={onClose} title="Prediction">
      {prediction !== undefined && <Shown endpoint={endpoint} prediction={prediction} />}
    </SidePanel>
  )
}

function Shown({ endpoint, prediction }: { endpoint: Endpoint; prediction: Prediction }) {
  const scope = useScope()
  return (
    <>
      <div>
        <p className={css.big}>{answerText(prediction.value)}</p>
        {prediction.scores !== null && <Scores scores={prediction.scores} value={prediction.value} />}
      </div>
      <Facts
        items={[
          ['It was', <FeedbackCell key="truth" prediction={prediction} />],
          [
            'By',
            <Chip key="model" kind="model" to={paths.modelVersion(scope, endpoint.model, prediction.version)}>
              {endpoint.model} v{prediction.version}
            </Chip>,
          ],
          ['When', <Time key="when" ms={prediction.created_at_ms} />],
          ['Computed in', <Duration key="latency" ms={prediction.latency_ms} />],
          [
            'Id',
            <span key="id" style={{ display: 'inline-flex', alignItems: 'center', minWidth: 0 }}>
              <code className="truncate">{prediction.id}</code>
              <CopyButton text={prediction.id} what="prediction id" />
            </span>,
          ],
        ]}
      />
      <Section
        title="Inputs"
        actions={<CopyButton text={JSON.stringify(prediction.inputs, null, 2)} what="inputs as JSON" />}
      >
        <table className={css.inputs}>
          <tbody>
            {Object.entries(prediction.inputs).map(([name, value]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>{formatCell(value)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Section>
    </>
  )
}
