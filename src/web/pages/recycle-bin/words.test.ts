import { expect, test } from 'vitest'
import { lossOf, withContents } from './words.ts'

test('what goes with a thing is said', () => {
  expect(withContents({ kind: 'experiment', contents: 12 })).toBe('with 12 runs')
  expect(withContents({ kind: 'model', contents: 1 })).toBe('with 1 version')
  expect(withContents({ kind: 'run', contents: 0 })).toBe('')
  expect(lossOf({ kind: 'experiment', contents: 2 })).toContain('goes with 2 runs')
  expect(lossOf({ kind: 'run', contents: 0 })).toContain('metrics')
})
