import { formatNumber } from '../../format.ts'

/** A predicted value as people read it. */
export function answerText(value: unknown): string {
  if (typeof value === 'number') return formatNumber(value)
  if (typeof value === 'boolean') return value ? 'Yes' : 'No'
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** The model's own estimate for what it said; null when it gives none. */
export function scoreOf(value: unknown, scores: Record<string, number> | null): number | null {
  return scores?.[String(value)] ?? null
}

/** `income_class` → `Income class`: a target's name for a heading. */
export function targetLabel(name: string | null): string {
  if (name === null || name === '') return 'Prediction'
  const words = name.replace(/[_\-.\s]+/g, ' ').trim()
  return words.charAt(0).toUpperCase() + words.slice(1)
}
