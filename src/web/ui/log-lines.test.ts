import { expect, test } from 'vitest'
import { cleanLines, toneOf } from './log-lines.ts'

test('a log reads as a terminal would leave it', () => {
  expect(cleanLines('\u001b[32mok\u001b[0m\r\n10%\r50%\r100%\r\nend\n')).toEqual(['ok', '100%', 'end'])
  expect(cleanLines('')).toEqual([])
  expect(cleanLines('a\n\nb')).toEqual(['a', '', 'b'])
})

test('errors and warnings stand out', () => {
  expect(['ValueError: x', 'Traceback (most recent call last):', 'FutureWarning: y', '0 errors'].map(toneOf)).toEqual([
    'danger',
    'danger',
    'warning',
    undefined,
  ])
})
