import type { Policy, PolicyChange } from '../../api/monitoring.ts'

/** The form of a policy, as it is typed. Shares are typed as the API has them; the rest in hours. */
export type PolicyDraft = {
  enabled: boolean
  threshold: string
  window: string
  min_samples: string
  holdout_share: string
  min_gain: string
  max_regression: string
  cooldown_hours: string
  promote: 'auto' | 'ask'
  parameters: string
}
type NumberField = Exclude<keyof PolicyDraft, 'enabled' | 'promote' | 'parameters'>

const HOUR_MS = 3_600_000

/** What each number may be; the API checks the same. */
export const LIMITS: Record<NumberField, { min: number; max: number; whole: boolean }> = {
  threshold: { min: 0, max: 1, whole: false },
  window: { min: 10, max: 100_000, whole: true },
  min_samples: { min: 10, max: 100_000, whole: true },
  holdout_share: { min: 0.05, max: 0.95, whole: false },
  min_gain: { min: 0, max: 1, whole: false },
  max_regression: { min: 0, max: 1, whole: false },
  cooldown_hours: { min: 0, max: 8760, whole: false },
}

/** An existing policy, or the defaults of a new one. */
export function draftOfPolicy(policy: Policy | null): PolicyDraft {
  return {
    enabled: policy?.enabled ?? true,
    threshold: String(policy?.threshold ?? 0.8),
    window: String(policy?.window ?? 500),
    min_samples: String(policy?.min_samples ?? 250),
    holdout_share: String(policy?.holdout_share ?? 0.3),
    min_gain: String(policy?.min_gain ?? 0.01),
    max_regression: String(policy?.max_regression ?? 0.01),
    cooldown_hours: String((policy?.cooldown_ms ?? 24 * HOUR_MS) / HOUR_MS),
    promote: policy?.promote ?? 'auto',
    parameters: Object.entries(policy?.retrain.parameters ?? {})
      .map(([name, value]) => `${name} = ${value}`)
      .join('\n'),
  }
}

/** What is wrong, by field; empty when it can be sent. */
export function problemsOf(draft: PolicyDraft): Partial<Record<keyof PolicyDraft, string>> {
  const problems: Partial<Record<keyof PolicyDraft, string>> = {}
  for (const [name, limit] of Object.entries(LIMITS) as [NumberField, (typeof LIMITS)[NumberField]][]) {
    const value = Number(draft[name])
    if (draft[name].trim() === '' || Number.isNaN(value)) problems[name] = 'This must be a number.'
    else if (limit.whole && !Number.isInteger(value)) problems[name] = 'This must be a whole number.'
    else if (value < limit.min || value > limit.max)
      problems[name] = `This must be between ${limit.min} and ${limit.max.toLocaleString('en')}.`
  }
  if (
    problems.window === undefined &&
    problems.min_samples === undefined &&
    Number(draft.min_samples) > Number(draft.window)
  )
    problems.min_samples = `More than the window (${draft.window}): there would never be enough.`
  const line = lines(draft.parameters).find((one) => !/^[^=\s]+\s*=/.test(one))
  if (line !== undefined) problems.parameters = `“${line}” is not name = value.`
  return problems
}

/** The draft as the API takes it. Only a draft without problems. */
export function changeOf(draft: PolicyDraft): PolicyChange {
  return {
    enabled: draft.enabled,
    threshold: Number(draft.threshold),
    window: Number(draft.window),
    min_samples: Number(draft.min_samples),
    holdout_share: Number(draft.holdout_share),
    min_gain: Number(draft.min_gain),
    max_regression: Number(draft.max_regression),
    cooldown_ms: Math.round(Number(draft.cooldown_hours) * HOUR_MS),
    promote: draft.promote,
    retrain: { parameters: Object.fromEntries(lines(draft.parameters).map(parameter)) },
  }
}

function lines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

function parameter(line: string): [string, string | number | boolean] {
  const at = line.indexOf('=')
  const value = line.slice(at + 1).trim()
  const typed =
    value === 'true'
      ? true
      : value === 'false'
        ? false
        : value !== '' && !Number.isNaN(Number(value))
          ? Number(value)
          : value
  return [line.slice(0, at).trim(), typed]
}
