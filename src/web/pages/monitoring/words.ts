import type { Decision, Policy } from '../../api/monitoring.ts'
import { formatCount, formatDuration, formatNumber } from '../../format.ts'

/** `1 percentage point`, `1.23 percentage points`: a difference of accuracies. */
export function points(share: number): string {
  const count = Number((share * 100).toFixed(2))
  return `${count} percentage point${count === 1 ? '' : 's'}`
}

/** `+1.23` or `−0.40`: the same with its sign, for tables. */
export function signedPoints(share: number): string {
  return `${share > 0 ? '+' : share < 0 ? '−' : '±'}${Math.abs(share * 100).toFixed(2)}`
}

/** A policy as sentences that a person can agree or disagree with. */
export function policySentences(policy: Policy): string[] {
  const first = `When accuracy over the last ${formatCount(policy.window)} labelled predictions (at least ${formatCount(policy.min_samples)}) falls below ${formatNumber(policy.threshold)}, retrain the champion’s own job on its data and the feedback.`
  const kept = `Keep ${formatNumber(policy.holdout_share * 100)} % of the feedback away from training, to compare on.`
  const then = `${policy.promote === 'auto' ? 'Promote' : 'Ask to promote'} the new version if it gains at least ${points(policy.min_gain)} on that feedback, more than chance explains, and loses at most ${points(policy.max_regression)} on the reference test.`
  const rest = `Then rest for ${formatDuration(policy.cooldown_ms)}, twice as long after each refusal.`
  return [first, kept, then, rest]
}

/** `v1 → v2`, or what there is of it. */
export function decisionTitle(decision: Decision): string {
  const { champion, challenger } = decision
  return challenger === null ? `Replace v${champion.version}` : `v${champion.version} → v${challenger.version}`
}

const STEPS: Record<string, string> = {
  retraining: 'The champion’s job is running again, with the feedback in its data.',
  converting: 'The new version is registered; its ONNX form is being made and checked.',
  comparing: 'Champion and challenger are answering the same rows.',
  waiting: 'The challenger passed. Somebody has to agree before it serves.',
}

/** What is going on while a decision is open; null when it is made. */
export function stepText(state: string): string | null {
  return STEPS[state] ?? null
}
