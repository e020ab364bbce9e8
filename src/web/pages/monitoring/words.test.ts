import { expect, test } from 'vitest'
import type { Policy } from '../../api/monitoring.ts'
import { policySentences, signedPoints } from './words.ts'

const policy: Policy = {
  enabled: true,
  metric: 'accuracy',
  threshold: 0.8,
  window: 2000,
  min_samples: 1000,
  holdout_share: 0.3,
  min_gain: 0.01,
  max_regression: 0.005,
  cooldown_ms: 86_400_000,
  alias: 'champion',
  promote: 'ask',
  retrain: { parameters: {} },
  state: 'watching',
  updated_at_ms: 0,
  created_by: 'ada',
}

test('a policy says in words what it will do', () => {
  const text = policySentences(policy).join(' ')
  expect(text).toContain('over the last 2,000 labelled predictions (at least 1,000) falls below 0.8')
  expect(text).toContain('Ask to promote the new version if it gains at least 1 percentage point ')
  expect(text).toContain('loses at most 0.5 percentage points')
})

test('differences carry their sign', () => {
  expect([0.0123, -0.004, 0].map(signedPoints)).toEqual(['+1.23', '−0.40', '±0.00'])
})
