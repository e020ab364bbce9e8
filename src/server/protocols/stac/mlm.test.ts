import { describe, expect, it } from 'vitest'
import { classesOf, semver } from './mlm.ts'

describe('framework versions', () => {
  // The extension's own pattern.
  const PATTERN =
    /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?$/

  it.each([
    ['1.9.1', '1.9.1'],
    ['2.13', '2.13.0'],
    ['3', '3.0.0'],
    ['2.13.0+cu126', '2.13.0+cu126'],
    ['1.0rc1', '1.0.0-rc1'],
    ['1.2.3.dev4', '1.2.3-dev4'],
    ['01.02.03', '1.2.3'],
    ['1.4.0.post1', '1.4.0-post1'],
  ])('%s → %s', (version, expected) => {
    expect(semver(version)).toBe(expected)
    expect(expected).toMatch(PATTERN)
  })

  it('says nothing where there is no number', () => {
    expect(semver('unknown')).toBeNull()
  })
})

describe('classes', () => {
  it('have names that the extension takes, each another', () => {
    const pattern = /^[0-9A-Za-z-_]+$/
    for (const labels of [
      ['<=50K', '>50K'],
      ['a b', 'a_b'],
      ['猫', '犬'],
      ['<', '>='],
    ]) {
      const classes = classesOf(labels) as { value: number; name: string; title: string; description: string }[]
      expect(new Set(classes.map((one) => one.name)).size).toBe(labels.length)
      expect(classes.every((one) => pattern.test(one.name))).toBe(true)
      expect(classes.map((one) => one.title)).toEqual(labels)
    }
    expect(classesOf(['<=50K', '>50K']).map((one) => one.name)).toEqual(['lte_50K', 'gt_50K'])
  })
})
