import { expect, test } from 'vitest'
import { changeOf, draftOfPolicy, problemsOf } from './policy-draft.ts'

test('a draft becomes what the API takes', () => {
  const draft = {
    ...draftOfPolicy(null),
    parameters: 'max_depth = 6\nmodel=tree\n\nverbose = false',
    cooldown_hours: '0.5',
  }
  expect(problemsOf(draft)).toEqual({})
  expect(changeOf(draft)).toMatchObject({
    threshold: 0.8,
    cooldown_ms: 1_800_000,
    retrain: { parameters: { max_depth: 6, model: 'tree', verbose: false } },
  })
})

test('what is wrong is said at its field', () => {
  const draft = { ...draftOfPolicy(null), threshold: '80', window: '12.5', min_samples: '', parameters: 'max_depth 6' }
  expect(problemsOf(draft)).toEqual({
    threshold: 'This must be between 0 and 1.',
    window: 'This must be a whole number.',
    min_samples: 'This must be a number.',
    parameters: '“max_depth 6” is not name = value.',
  })
  expect(problemsOf({ ...draftOfPolicy(null), min_samples: '600' }).min_samples).toMatch(/never be enough/)
})
