import type { Performance } from '../../api/monitoring.ts'
import { bounds, wilson } from './wilson.ts'

export type ServedAccuracy = {
  /** The version that serves and all of whose labelled predictions are counted; null: the window, of whatever versions. */
  version: number | null
  value: number
  labelled: number
  interval: [low: number, high: number]
}

/**
 * How right the endpoint is now. After a change of version the window is still full of the former one's predictions, which
 * say nothing about the one that serves: then its own are counted. Null when there is no feedback at all.
 */
export function servedAccuracy(performance: Performance, serving: number | null): ServedAccuracy | null {
  const { window } = performance
  if (window.value === null) return null
  const own = performance.by_version.find((row) => row.version === serving)
  const isPure = performance.by_version.length === 1 || (own !== undefined && own.labelled >= window.labelled)
  if (own === undefined || isPure) {
    return {
      version: null,
      value: window.value,
      labelled: window.labelled,
      interval: window.interval === null ? wilson(window.value, window.labelled) : bounds(window.interval),
    }
  }
  return {
    version: own.version,
    value: own.accuracy,
    labelled: own.labelled,
    interval: wilson(own.accuracy, own.labelled),
  }
}
