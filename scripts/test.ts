/**
 * The whole proof, with everything it needs set up by itself. `npm test` runs the checks, every room's tests on SQLite and
 * PostgreSQL, the real Python clients and the real browser on the real demo; `npm run test:matrix` what is too long for
 * every change. Ends with one line: `N passed, N failed`.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import pg from 'pg'
import { PACKAGE_ROOT } from '../src/lib/package-root.ts'

type Counts = { passed: number; failed: number }
const bin = (name: string) => join(PACKAGE_ROOT, 'node_modules', '.bin', name)
const cache = join(PACKAGE_ROOT, '.cache')
const DEFAULT_POSTGRES = 'postgres://postgres@127.0.0.1:5432/postgres'
const total: Counts = { passed: 0, failed: 0 }
const failures: string[] = []
const unsteady: string[] = []
const startedAtMs = Date.now()

function run(command: string, args: string[], env: Record<string, string> = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: PACKAGE_ROOT, stdio: 'inherit', env: { ...process.env, ...env } })
    child.on('error', reject)
    child.on('exit', (code) => resolve(code ?? 1))
  })
}

function title(text: string): void {
  console.log(`\n── ${text}  [${Math.round((Date.now() - startedAtMs) / 1000)} s]`)
}

async function check(name: string, command: string, ...args: string[]): Promise<void> {
  title(name)
  const code = await run(command, args)
  total[code === 0 ? 'passed' : 'failed'] += 1
  if (code !== 0) failures.push(name)
}

type FileResult = {
  name: string
  status: string
  message: string
  assertionResults: { status: string; fullName: string; failureMessages: string[] }[]
}
type Report = { numPassedTests: number; testResults: FileResult[] }

/** One run of vitest, all files of a project or only some; null when it could not even begin. */
async function runVitest(project: string, files: string[], env: Record<string, string>): Promise<Report | null> {
  mkdirSync(cache, { recursive: true })
  const output = join(cache, `vitest-${project}.json`)
  rmSync(output, { force: true })
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${output}`]
  const code = await run(bin('vitest'), ['run', ...files, '--project', project, ...reporters], env)
  try {
    const report: Report = JSON.parse(readFileSync(output, 'utf8'))
    // An error outside any test (a rejection nobody caught) fails the run although every test passed.
    return code !== 0 && failedFiles(report).length === 0 ? null : report
  } catch {
    return null
  }
}

const failedFiles = (report: Report) => report.testResults.filter((file) => file.status === 'failed')

type Failure = { test: string; why: string }
const lineOf = ({ test, why }: Failure) => `${test}\n  ${why.slice(0, 1_000)}`

/** What failed; a file that could not be loaded is one failure. */
function failuresOf(report: Report): Failure[] {
  return failedFiles(report).flatMap((file) => {
    const tests = file.assertionResults.filter((one) => one.status === 'failed')
    const place = relative(PACKAGE_ROOT, file.name)
    if (tests.length === 0) return [{ test: place, why: file.message }]
    return tests.map((one) => ({ test: `${place} > ${one.fullName}`, why: one.failureMessages.join(' ') }))
  })
}

/**
 * Runs a vitest project and adds its counts. Files with a failure are run once more, alone: what passes then hung on what
 * else the machine did, and is told at the end as unsteady, never hidden.
 */
async function vitest(name: string, project: string, env: Record<string, string> = {}): Promise<void> {
  title(name)
  let report = await runVitest(project, [], env)
  if (report !== null && failedFiles(report).length > 0) {
    const first = failuresOf(report)
    const steady = report.testResults.filter((file) => file.status !== 'failed')
    total.passed += steady.flatMap((file) => file.assertionResults).filter((one) => one.status === 'passed').length
    title(`${name}: once more, what failed`)
    const again = failedFiles(report).map((file) => file.name)
    report = await runVitest(project, again, env)
    const still = new Set(report === null ? [] : failuresOf(report).map((failure) => failure.test))
    unsteady.push(...first.filter((failure) => !still.has(failure.test)).map(lineOf))
  }
  const failed = report === null ? [`${name}: vitest itself failed, see above`] : failuresOf(report).map(lineOf)
  total.passed += report?.numPassedTests ?? 0
  total.failed += failed.length
  failures.push(...failed)
}

/** The PostgreSQL to test on: the named one, else the one of this machine. Null: none, and that was said loudly. */
async function findPostgres(): Promise<string | null> {
  const named = process.env.TRAINYARD_TEST_DATABASE_URL
  const url = named || DEFAULT_POSTGRES
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 3_000 })
  try {
    await client.connect()
    await client.query('SELECT 1')
    return url
  } catch (error) {
    console.log(
      `\n!! No PostgreSQL ${named ? 'at TRAINYARD_TEST_DATABASE_URL' : 'at 127.0.0.1:5432 as postgres'}: ${error instanceof Error ? error.message : error}`,
    )
    console.log(
      '!! HALF OF THE PROOF IS SKIPPED: nothing is tested on PostgreSQL. Set TRAINYARD_TEST_DATABASE_URL to test it.',
    )
    if (process.env.CI || named) {
      total.failed += 1
      failures.push('rooms on PostgreSQL: there is none to test on')
    }
    return null
  } finally {
    await client.end().catch(() => {})
  }
}

if (process.argv.includes('--matrix')) {
  await vitest('client matrix and long tests', 'matrix')
} else {
  await check('types of the server', bin('tsc'), '-p', 'tsconfig.server.json')
  await check('types of the web UI', bin('tsc'), '-p', 'tsconfig.web.json')
  await check('types of the tests', bin('tsc'), '-p', 'tsconfig.tests.json')
  await check('lint and format', bin('biome'), 'check', '--error-on-warnings', '.')
  await check('who may import whom', bin('depcruise'), 'src', '--config', '.dependency-cruiser.cjs')
  await check('nothing unused', bin('knip'))
  await check('generated files are fresh', process.execPath, 'scripts/generate.ts', '--check')
  await check('the web UI builds', bin('vite'), 'build', '--logLevel', 'warn')
  const postgres = await findPostgres()
  await vitest('rooms on SQLite', 'sqlite')
  if (postgres !== null) await vitest('rooms on PostgreSQL', 'postgres', { TRAINYARD_TEST_DATABASE_URL: postgres })
  await vitest('real Python clients', 'compat')
  await vitest('the demo in a real browser', 'e2e')
}

for (const text of unsteady) console.log(`\n!! UNSTEADY, passed only alone: ${text}`)
for (const text of failures) console.log(`\nFAILED ${text}`)
console.log(`\nTook ${Math.round((Date.now() - startedAtMs) / 1000)} s`)
console.log(`${total.passed} passed, ${total.failed} failed`)
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1
