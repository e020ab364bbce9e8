import { IconCircleCheckFilled, IconCircleXFilled } from '@tabler/icons-react'
import type { Decision } from '../../api/monitoring.ts'
import { DotWhisker } from '../../charts/DotWhisker.tsx'
import { formatCount, formatNumber } from '../../format.ts'
import css from './Monitoring.module.css'
import { bounds, wilson } from './wilson.ts'
import { signedPoints } from './words.ts'

/** Both versions on the same rows, as pictures and as figures, then each rule with whether it held. */
export function Comparison({ decision }: { decision: Decision }) {
  const { comparison, champion, challenger } = decision
  if (comparison === null) {
    return (
      <p className="muted">
        {decision.decided_at_ms === null ? 'Nothing yet: the challenger comes first.' : 'Nothing: it ended before.'}
      </p>
    )
  }
  const before = `v${champion.version}`
  const after = `v${challenger?.version ?? '?'}`
  return (
    <>
      {comparison.sets.length > 0 && (
        <div className={css.plots}>
          <DotWhisker
            title="Accuracy, with 95 % intervals"
            groups={comparison.sets.map((set) => ({
              label: set.name,
              note: `${formatCount(set.rows)} rows`,
              dots: [
                { name: `champion ${before}`, index: 9, value: set.champion, interval: wilson(set.champion, set.rows) },
                {
                  name: `challenger ${after}`,
                  index: 0,
                  value: set.challenger,
                  interval: wilson(set.challenger, set.rows),
                },
              ],
            }))}
            format={formatNumber}
          />
          <DotWhisker
            title="Difference on the same rows, in percentage points"
            origin={0}
            groups={comparison.sets.map((set) => ({
              label: set.name,
              note: `${formatCount(set.rows)} rows`,
              dots: [
                {
                  name: `${after} minus ${before}`,
                  index: 0,
                  value: set.difference,
                  interval: bounds(set.interval),
                },
              ],
            }))}
            format={signedPoints}
          />
        </div>
      )}
      <Figures decision={decision} />
      <p className="muted small">{comparison.method}</p>
      <h2 className={css.rulesHead}>By which rules</h2>
      <ul className={css.rules} aria-label="Rules">
        {comparison.rules.map((rule) => (
          <li key={rule.text}>
            {rule.passed ? (
              <IconCircleCheckFilled size={16} color="var(--success)" aria-hidden />
            ) : (
              <IconCircleXFilled size={16} color="var(--danger)" aria-hidden />
            )}
            <span>{rule.text}</span>
            <span className={rule.passed ? css.passed : css.broken}>{rule.passed ? 'yes' : 'no'}</span>
          </li>
        ))}
      </ul>
    </>
  )
}

function Figures({ decision }: { decision: Decision }) {
  const { comparison, champion, challenger } = decision
  if (comparison === null || comparison.sets.length === 0) return null
  return (
    <div className={css.scroll}>
      <table className={css.table}>
        <thead>
          <tr>
            <th scope="col">Rows</th>
            <th scope="col" data-align="right">
              Count
            </th>
            <th scope="col" data-align="right">
              Champion v{champion.version}
            </th>
            <th scope="col" data-align="right">
              Challenger v{challenger?.version}
            </th>
            <th scope="col" data-align="right">
              Difference
            </th>
            <th scope="col" data-align="right">
              95 % interval
            </th>
          </tr>
        </thead>
        <tbody>
          {comparison.sets.map((set) => (
            <tr key={set.name}>
              <td>{set.name}</td>
              <td data-align="right">{formatCount(set.rows)}</td>
              <td data-align="right" title={String(set.champion)}>
                {formatNumber(set.champion)}
              </td>
              <td data-align="right" title={String(set.challenger)}>
                {formatNumber(set.challenger)}
              </td>
              <td data-align="right" title={String(set.difference)}>
                <strong>{signedPoints(set.difference)}</strong>
              </td>
              <td data-align="right">{bounds(set.interval).map(signedPoints).join(' to ')}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
