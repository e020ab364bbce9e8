import type { ParityReport } from '../../api/models.ts'
import { type LogMark, LogMarks } from '../../charts/LogMarks.tsx'
import { formatCount, formatNumber, formatShare } from '../../format.ts'
import { Chip, Chips } from '../../ui/Chip.tsx'
import css from './Models.module.css'

/** What was measured before the ONNX form was let near traffic, for somebody who never saw such a report. */
export function ParityReportView({ report }: { report: ParityReport }) {
  const spread = spreadOf(report)
  return (
    <div className={css.parity}>
      <div className={css.prose}>
        <p className="muted">
          Before the form may answer, it must show that it answers like the original. Both were given the same{' '}
          {formatCount(report.rows)} rows ({report.source}).
        </p>
        {report.label_agreement !== null && <Labels report={report} agreement={report.label_agreement} />}
        {spread !== null && (
          <p>
            {formatShare(spread.within)} of the rows differ by less than {formatNumber(spread.tolerance)} in{' '}
            {spread.what}; at least {formatShare(report.tolerance.share)} must.
          </p>
        )}
        <p>
          <strong>{report.passed ? 'It passed: ' : 'It did not pass: '}</strong>
          {report.passed ? 'the server answers with the ONNX form.' : 'the original answers, served by Python.'}
        </p>
        <Chips>
          {Object.entries(report.versions).map(([name, version]) => (
            <Chip key={name}>
              {name} {version}
            </Chip>
          ))}
        </Chips>
      </div>
      {spread !== null && (
        <LogMarks
          title={`How far apart: difference of ${spread.what}`}
          marks={spread.marks}
          limit={{ value: spread.tolerance, label: `tolerance ${formatNumber(spread.tolerance)}` }}
        />
      )}
    </div>
  )
}

function Labels({ report, agreement }: { report: ParityReport; agreement: number }) {
  const differing = report.labels_differing ?? Math.round((1 - agreement) * report.rows)
  return (
    <div>
      <p className={css.big}>
        Same label on {formatCount(report.rows - differing)} of {formatCount(report.rows)} rows
      </p>
      <p className="muted">
        {differing === 0 ? 'All of them' : formatShare(agreement)}; at least{' '}
        {formatShare(report.tolerance.label_agreement)} was demanded.
      </p>
    </div>
  )
}

type Spread = { what: string; tolerance: number; within: number; marks: LogMark[] }

/** Probabilities of a classifier, or values of a regressor: the same measures under two names. */
function spreadOf(report: ParityReport): Spread | null {
  const { probability, value, tolerance } = report
  const found = probability ?? value
  if (found === null) return null
  const worst = probability !== null ? probability.max_abs : (value?.max_rel ?? 0)
  return {
    what: probability !== null ? 'probability' : 'value, relative to the value',
    tolerance: probability !== null ? tolerance.probability_abs : tolerance.value_rel,
    within: found.share_within_tolerance,
    marks: [
      { label: 'half of the rows: at most', value: found.p50 },
      { label: '99 % of the rows: at most', value: found.p99 },
      { label: '99.9 % of the rows: at most', value: found.p999 },
      { label: 'the worst row', value: worst },
      { label: 'on average', value: found.mean_abs },
    ],
  }
}
