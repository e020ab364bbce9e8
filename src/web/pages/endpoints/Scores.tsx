import { formatNumber, formatShare } from '../../format.ts'
import css from './Form.module.css'

const SHOWN = 5

/** The probabilities of a prediction as bars from 0 to 100 %: the whole width is certainty. */
export function Scores({ scores, value }: { scores: Record<string, number>; value: unknown }) {
  const all = Object.entries(scores).sort((a, b) => b[1] - a[1])
  const shown = all.slice(0, SHOWN)
  const rest = all.slice(SHOWN)
  return (
    <div className={css.scores}>
      {shown.map(([label, score]) => (
        <div
          key={label}
          className={css.score}
          data-chosen={label === String(value) || undefined}
          title={`${label}: ${score}`}
        >
          <span className={css.scoreLabel}>{label}</span>
          <span className={css.scoreTrack}>
            <span className={css.scoreBar} style={{ width: `${Math.min(1, Math.max(0, score)) * 100}%` }} />
          </span>
          <span className={css.scoreValue}>{formatShare(score)}</span>
        </div>
      ))}
      {rest.length > 0 && (
        <span className="muted small">
          {rest.length} others: {formatNumber(rest.reduce((sum, [, score]) => sum + score, 0) * 100)} % together
        </span>
      )}
    </div>
  )
}
