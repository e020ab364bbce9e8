import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { PACKAGE_ROOT } from '../src/lib/package-root.ts'

/** The house rules that can be executed. The limits may only go down. */
const MAX_FILE_LINES = 300
const MAX_FUNCTION_LINES = 70

function sources(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    if (statSync(path).isDirectory()) return sources(path)
    return /\.tsx?$/.test(name) && !/\.gen\.ts$|\.d\.ts$/.test(name) ? [path] : []
  })
}

const files = sources(join(PACKAGE_ROOT, 'src')).map((path) => ({
  path: relative(PACKAGE_ROOT, path),
  text: readFileSync(path, 'utf8'),
}))
const program = files.filter((file) => !file.path.endsWith('.test.ts'))

describe('house rules', () => {
  it('sees a plausible number of files', () => {
    expect(files.length).toBeGreaterThan(60)
  })

  it(`no file has more than ${MAX_FILE_LINES} lines`, () => {
    expect(files.filter((file) => file.text.split('\n').length - 1 > MAX_FILE_LINES).map((file) => file.path)).toEqual(
      [],
    )
  })

  it(`no function has more than ${MAX_FUNCTION_LINES} lines`, () => {
    expect(program.flatMap(longFunctions)).toEqual([])
  })

  it('only config.ts reads the environment', () => {
    const readers = program
      .filter((file) => /\bprocess\.env\b/.test(file.text) && !file.path.startsWith('src/config.ts'))
      .map((file) => file.path)
    expect(readers).toEqual([])
  })

  it('SQL lives in stores and in db', () => {
    const sql = /\b(selectFrom|insertInto|updateTable|deleteFrom)\(/
    const elsewhere = program
      .filter((file) => sql.test(file.text) && !/\.store\.ts$|^src\/db\//.test(file.path))
      .map((file) => file.path)
    expect(elsewhere).toEqual([])
  })

  it('no barrel files, no unfinished words', () => {
    expect(files.filter((file) => /(^|\/)index\.tsx?$/.test(file.path)).map((file) => file.path)).toEqual([])
    const words = /\b(TODO|FIXME|XXX|HACK|not implemented yet|coming soon|lorem ipsum)\b/i
    expect(files.filter((file) => words.test(file.text)).map((file) => file.path)).toEqual([])
  })

  it('the import rules report a planted violation and see the whole house', () => {
    const planted = join(PACKAGE_ROOT, 'src', 'lib', `planted-${process.pid}.ts`)
    writeFileSync(planted, "import { readConfig } from '../config.ts'\nexport const planted = readConfig\n")
    try {
      const { violations, totalCruised } = cruise()
      expect(violations.some((violation) => violation.rule.name === 'lib-imports-nothing-of-ours')).toBe(true)
      expect(totalCruised).toBeGreaterThan(60)
    } finally {
      rmSync(planted)
    }
  }, 60_000)
})

function cruise(): { violations: { rule: { name: string } }[]; totalCruised: number } {
  const folder = mkdtempSync(join(PACKAGE_ROOT, 'node_modules', '.cruise-'))
  try {
    const output = join(folder, 'report.json')
    try {
      execFileSync(
        join(PACKAGE_ROOT, 'node_modules', '.bin', 'depcruise'),
        ['src', '--config', '.dependency-cruiser.cjs', '--output-type', 'json', '--output-to', output],
        { cwd: PACKAGE_ROOT, stdio: 'pipe' },
      )
    } catch {
      // It ends with the number of violations; the report says which.
    }
    return (JSON.parse(readFileSync(output, 'utf8')) as { summary: ReturnType<typeof cruise> }).summary
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function longFunctions(file: { path: string; text: string }): string[] {
  const source = ts.createSourceFile(file.path, file.text, ts.ScriptTarget.Latest, true)
  const found: string[] = []
  const lineOf = (position: number) => source.getLineAndCharacterOfPosition(position).line
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && 'body' in node && node.body !== undefined) {
      const lines = lineOf(node.end) - lineOf(node.getStart(source)) + 1
      // A route plugin is a list of records, one per route: its handlers are the functions, and each is measured.
      if (lines > MAX_FUNCTION_LINES && !isRoutePlugin(file.path, node))
        found.push(`${file.path}:${lineOf(node.getStart(source)) + 1} ${lines} lines`)
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

function isRoutePlugin(path: string, node: ts.SignatureDeclaration): boolean {
  if (!path.endsWith('.routes.ts')) return false
  const name = 'name' in node && node.name !== undefined && ts.isIdentifier(node.name) ? node.name.text : ''
  const returnsPlugin = ts.isArrowFunction(node) && ts.isReturnStatement(node.parent)
  return /Routes$/.test(name) || returnsPlugin
}
