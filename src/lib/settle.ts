import { flushCompileCache } from 'node:module'
import { performance } from 'node:perf_hooks'

const LOOK_EVERY_MS = 3_000
/** Of the time between two looks, how much the process may have worked to count as idle. */
const IDLE_SHARE = 0.05

/**
 * Once, in the first moment without work after a start: keeps what was compiled for the next start (else only an orderly
 * end would), and gives back the memory that starting used, a sixth of all, which V8 would keep for as long as the server
 * idles. It takes about a tenth of a second, so a server that has work to do is left alone.
 * @param prepare what else is better done now than at the first request
 */
export function settleOnceIdle(prepare: () => void): void {
  let before = performance.eventLoopUtilization()
  const timer = setInterval(() => {
    const { utilization } = performance.eventLoopUtilization(before)
    before = performance.eventLoopUtilization()
    if (utilization > IDLE_SHARE) return
    clearInterval(timer)
    flushCompileCache()
    globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
    prepare()
  }, LOOK_EVERY_MS)
  timer.unref()
}
