import { expect, test } from 'vitest'
import { seal, unseal } from './sealed.ts'

test('what is sealed opens with its key only, looks different each time, and shows a change', () => {
  const key = 'a key of many letters'
  const sealed = seal('geheim ✓', key)
  expect(sealed).not.toContain('geheim')
  expect(seal('geheim ✓', key)).not.toBe(sealed)
  expect(unseal(sealed, key)).toBe('geheim ✓')
  expect(unseal(sealed, `${key}.`)).toBeNull()
  for (const broken of ['', 'v1.', 'v2.x', `${sealed.slice(0, -3)}AAA`, sealed.replace('v1.', '')])
    expect(unseal(broken, key)).toBeNull()
})
