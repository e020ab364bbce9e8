import { stringifyMessage } from '../../../lib/json.ts'
import type { MetricPoint } from '../../tracking/metric-points.ts'
import type { WholeRun } from '../../tracking/run-pages.reads.ts'
import { metricMessage, runInfoMessage, runLinksMessage } from './messages.ts'

/**
 * A run's message as JSON text, the same as `stringifyMessage` would write. A page holds thousands of values: these pieces
 * have nothing in them that JSON.stringify must be told how to write.
 */
export function runText({ run, params, tags, metrics, inputs, models }: WholeRun): string {
  const data = [
    ...(metrics.length === 0 ? [] : [`"metrics":${pointsText(metrics)}`]),
    ...(params === '[]' ? [] : [`"params":${params}`]),
    ...(tags === '[]' ? [] : [`"tags":${tags}`]),
  ]
  const links = inputs.length + models.length === 0 ? NO_LINKS : stringifyMessage(runLinksMessage(inputs, models))
  return `{"info":${JSON.stringify(runInfoMessage(run))},"data":{${data.join(',')}},${links.slice(1)}`
}

const NO_LINKS = stringifyMessage(runLinksMessage([], []))

/** JSON text of a list of points' messages. */
export function pointsText(points: readonly MetricPoint[]): string {
  const messages = points.map(metricMessage)
  return points.every(isPlain) ? JSON.stringify(messages) : stringifyMessage(messages)
}

/** Neither NaN nor beyond 2^53. */
function isPlain({ value, step, timestampMs }: MetricPoint): boolean {
  return Number.isFinite(value) && typeof step === 'number' && typeof timestampMs === 'number'
}
