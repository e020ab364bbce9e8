import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { PACKAGE_ROOT } from '../../src/lib/package-root.ts'

/** docs/security.md says which test answers which published trick; here it is held to its word. */
const read = (path: string) => readFileSync(join(PACKAGE_ROOT, path), 'utf8')
const report = read('docs/security.md')
const SPELLINGS = read('tests/harness/hostile-paths.ts')

/** The cells of each row of the report's tables, without heads and rules. */
const rows = (report.split('\n## ').find((part) => part.startsWith('The rows')) ?? '')
  .split('\n')
  .filter((line) => /^\| /.test(line) && !/^\| (#|what) \|/.test(line))
  .map((line) =>
    line
      .slice(1, -1)
      .split(/ \| /)
      .map((cell) => cell.trim()),
  )

/** The titles of a file's tests, as they are written: with their placeholders. */
function titlesOf(source: string): string[] {
  const found = source.matchAll(/\b(?:it|test|describe)(?:\.\w+)?\(\s*(['"`])((?:\\.|(?!\1).)*)\1/g)
  const eachOf = source.matchAll(/^\s*(?:\]|.*\))\)\(\s*(['"`])((?:\\.|(?!\1).)*)\1/gm)
  return [...found, ...eachOf].map(([, , text = '']) => text)
}

/** Whether one of the titles has this name in it; what stands for a placeholder must be a key of some table. */
function isNamed(name: string, titles: readonly string[], source: string): boolean {
  if (name.endsWith('*')) return titles.some((text) => text.includes(`${name.slice(0, -1)}\${`))
  if (titles.some((text) => text.includes(name))) return true
  return titles.some((text) =>
    text.split(/, |: /).some((part) => {
      const [before = '', after] = part.split(/\$\{\w+\}/)
      if (after === undefined || before === '' || !name.startsWith(before)) return false
      const key = RegExp.escape(name.slice(before.length))
      return new RegExp(`(^|[\\s'"{[])${key}['"]?[:,\\]]`, 'm').test(`${source}\n${SPELLINGS}`)
    }),
  )
}

test('every row of the table is there once, and has a test or the reason why not', () => {
  const numbers = rows.map(([first]) => Number(first)).filter((number) => !Number.isNaN(number))
  expect(numbers).toEqual(Array.from({ length: 110 }, (_, i) => i + 1))
  for (const row of rows) expect(row.at(-1), row.join(' | ')).toMatch(/^(`[\w/.-]+\.test\.ts` `|– \w)/)
})

test('every test that the report names exists in the file that it names', () => {
  const missing: string[] = []
  let names = 0
  for (const row of rows) {
    let source = ''
    let titles: string[] = []
    for (const [, token = ''] of (row.at(-1) ?? '').matchAll(/`([^`]+)`/g)) {
      if (token.endsWith('.test.ts')) {
        if (!existsSync(join(PACKAGE_ROOT, token))) missing.push(token)
        else source = read(token)
        titles = titlesOf(source)
      } else if (source !== '') {
        names += 1
        if (!isNamed(token, titles, source)) missing.push(`${row[0]}: ${token}`)
      }
    }
  }
  expect(missing).toEqual([])
  expect(names).toBeGreaterThan(150)
})

test('a name that no test has is found out', () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of a program
  const source = "for (const kind of Object.keys({ 'abs-path': 1 })) test(`mv-source-${kind}: no`, () => {})"
  const titles = titlesOf(source)
  for (const name of ['mv-source-abs-path', 'mv-source-*'])
    expect([name, isNamed(name, titles, source)]).toEqual([name, true])
  for (const name of ['mv-source-none', 'exp-*', 'abs-path'])
    expect([name, isNamed(name, titles, source)]).toEqual([name, false])
})
