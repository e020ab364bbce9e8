/** Numbers, sizes, durations and times as every page writes them. Pure; the exact value belongs in a title beside it. */

/** Thin enough not to break a column, and never a line break between number and unit. */
const NBSP = '\u00a0'

/** Four significant digits: `0.8713`, `12,480`, `1.234e-7`. Integers below a million stay whole. */
export function formatNumber(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–'
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞'
  const size = Math.abs(value)
  if (Number.isInteger(value) && size < 1_000_000) return value.toLocaleString('en')
  if (size !== 0 && (size < 1e-4 || size >= 1e9)) return value.toExponential(3).replace('e+', 'e').replace('-', '−')
  return value.toLocaleString('en', { maximumSignificantDigits: 4 }).replace('-', '−')
}

export function formatCount(value: number): string {
  return value.toLocaleString('en')
}

/** `1 run`, `12 runs`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`
}

/** Binary units: `512 B`, `1.5 MiB`. */
export function formatBytes(bytes: number | null | undefined): string {
  if (bytes === null || bytes === undefined) return '–'
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 ? value : value.toLocaleString('en', { maximumSignificantDigits: 3 })}${NBSP}${units[unit]}`
}

/** The two largest units: `840 ms`, `4.2 s`, `2 m 14 s`, `3 h 5 m`, `2 d 4 h`. */
export function formatDuration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return '–'
  if (ms < 1000) return `${ms < 10 ? Number(ms.toFixed(1)) : Math.round(ms)}${NBSP}ms`
  if (ms < 10_000) return `${Number((ms / 1000).toFixed(1))}${NBSP}s`
  const seconds = Math.round(ms / 1000)
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ]
  const first = parts.findIndex(([count]) => count > 0)
  return parts
    .slice(first, first + 2)
    .filter(([count], index) => index === 0 || count > 0)
    .map(([count, unit]) => `${count}${NBSP}${unit}`)
    .join(NBSP)
}

/** `just now`, `4 min ago`, `3 h ago`, `yesterday`, `5 d ago`, then the date. */
export function formatRelative(timeMs: number, nowMs: number): string {
  const age = nowMs - timeMs
  if (age < -60_000) return formatDate(timeMs)
  if (age < 10_000) return 'just now'
  if (age < 60_000) return `${Math.floor(age / 1000)}${NBSP}s ago`
  if (age < 3_600_000) return `${Math.floor(age / 60_000)}${NBSP}min ago`
  if (age < 86_400_000) return `${Math.floor(age / 3_600_000)}${NBSP}h ago`
  if (age < 2 * 86_400_000) return 'yesterday'
  if (age < 30 * 86_400_000) return `${Math.floor(age / 86_400_000)}${NBSP}d ago`
  return formatDate(timeMs)
}

function formatDate(timeMs: number): string {
  return new Date(timeMs).toLocaleDateString('en', { day: 'numeric', month: 'short', year: 'numeric' })
}

/** The exact moment, to the millisecond, in the reader's zone with its offset named. */
export function formatExact(timeMs: number): string {
  return new Date(timeMs).toLocaleString('en-GB', {
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    fractionalSecondDigits: 3,
    timeZoneName: 'short',
  })
}

/** `12.3 %`; tiny shares are not rounded to nothing. */
export function formatShare(share: number | null | undefined): string {
  if (share === null || share === undefined) return '–'
  const percent = share * 100
  if (percent > 0 && percent < 0.1) return `<0.1${NBSP}%`
  return `${percent.toLocaleString('en', { maximumFractionDigits: 1 })}${NBSP}%`
}

/** A cell of any table: numbers by our rules, everything else as text. */
export function formatCell(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : formatNumber(value)
  if (typeof value === 'object') return JSON.stringify(value)
  return String(value)
}

/** An id where the whole would be noise: its end, because ids of one hour begin alike. */
export function shortId(id: string): string {
  return id.length > 12 ? `…${id.slice(-6)}` : id
}
