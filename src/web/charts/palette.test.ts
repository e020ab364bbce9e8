import { expect, test } from 'vitest'
import { distinctStyles, styleIndexOf } from './palette.ts'

test('things shown together never look alike, and one thing alone keeps its own style', () => {
  const ids = Array.from({ length: 25 }, (_, index) => `run-${index}`)
  expect(new Set(distinctStyles(ids).values()).size).toBe(25)
  expect(new Set(distinctStyles(ids.slice(0, 10)).values())).toEqual(new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]))
  expect(distinctStyles(['run-3']).get('run-3')).toBe(styleIndexOf('run-3'))
  expect(distinctStyles(['b', 'a'])).toEqual(distinctStyles(['a', 'b']))
})
