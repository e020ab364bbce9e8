import { describe, expect, it } from 'vitest'
import { formatItemId, parseItemId, slugOf, slugsOf } from './item-id.ts'

describe('item ids', () => {
  it('are made of lower-case letters, digits and dashes only', () => {
    expect(slugOf('Adult_Income.v2 (test)')).toBe('adult-income-v2-test')
    expect(slugOf('収入')).toBe('unnamed')
    expect(formatItemId({ owner: 'ada', project: 'flood-maps', slug: 'adult', version: 12 })).toBe(
      'ada--flood-maps--adult-v12',
    )
  })

  it('are taken apart one way only', () => {
    expect(parseItemId('ada--flood-maps--adult-v2-v12')).toEqual({
      owner: 'ada',
      project: 'flood-maps',
      slug: 'adult-v2',
      version: 12,
    })
    for (const id of [
      'ada--flood',
      'ada--flood--adult',
      'ada--flood--adult-v0',
      'Ada--flood--adult-v1',
      'a--b--c--d-v1',
      'a--b--c-v99999999999',
    ]) {
      expect(parseItemId(id), id).toBeNull()
    }
  })

  it('stay as they are when a name comes that would have the same', () => {
    const before = slugsOf(['adult', 'wine'])
    const after = slugsOf(['adult', 'wine', 'Adult', 'ADULT'])
    expect(after.get('adult')).toBe(before.get('adult'))
    expect(new Set(after.values()).size).toBe(4)
    expect(after.get('Adult')).toMatch(/^adult-[0-9a-f]{6}$/)
    expect(parseItemId(`a--b--${after.get('Adult')}-v1`)?.slug).toBe(after.get('Adult'))
  })
})
