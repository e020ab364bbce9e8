import { useSyncExternalStore } from 'react'
import { formatBytes, formatDuration, formatExact, formatNumber, formatRelative } from '../format.ts'

/** Four significant digits, the exact value on hover. */
export function Num({ value }: { value: number | null | undefined }) {
  return (
    <span className="num" title={value === null || value === undefined ? undefined : String(value)}>
      {formatNumber(value)}
    </span>
  )
}

export function Bytes({ value }: { value: number | null | undefined }) {
  return (
    <span
      className="num"
      title={value === null || value === undefined ? undefined : `${value.toLocaleString('en')} bytes`}
    >
      {formatBytes(value)}
    </span>
  )
}

export function Duration({ ms }: { ms: number | null | undefined }) {
  return (
    <span
      className="num"
      title={ms === null || ms === undefined ? undefined : `${Math.round(ms).toLocaleString('en')} ms`}
    >
      {formatDuration(ms)}
    </span>
  )
}

/** A relative time that stays true while one looks, the exact one on hover. */
export function Time({ ms }: { ms: number | null | undefined }) {
  const now = useNow()
  if (ms === null || ms === undefined) return <span className="muted">–</span>
  return (
    <time className="num" dateTime={new Date(ms).toISOString()} title={formatExact(ms)}>
      {formatRelative(ms, now)}
    </time>
  )
}

/** How long something took, or has been running. */
export function Elapsed({ fromMs, toMs }: { fromMs: number | null | undefined; toMs: number | null | undefined }) {
  const now = useNow()
  if (fromMs === null || fromMs === undefined) return <span className="muted">–</span>
  return <Duration ms={Math.max(0, (toMs ?? now) - fromMs)} />
}

const TICK_MS = 5_000
const watchers = new Set<() => void>()
let nowMs = Date.now()
let ticking: number | undefined

/** One clock for the whole page. */
function watch(callback: () => void): () => void {
  watchers.add(callback)
  ticking ??= window.setInterval(() => {
    nowMs = Date.now()
    for (const tell of watchers) tell()
  }, TICK_MS)
  return () => {
    watchers.delete(callback)
    if (watchers.size > 0) return
    window.clearInterval(ticking)
    ticking = undefined
  }
}

export function useNow(): number {
  useSyncExternalStore(watch, () => nowMs)
  return Math.max(nowMs, Date.now() - TICK_MS)
}
