/**
 * The whole proof, with everything it needs set up by itself. `npm test` runs the checks, every room's tests on SQLite and
 * PostgreSQL, the real Python clients and the real browser on the real demo; `npm run test:matrix` what is too long for
 * every change. Ends with one line: `N passed, N failed`.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { PACKAGE_ROOT } from '../src/lib/package-root.ts'

type Counts = { passed: number; failed: number }
const bin = (name: string) => join(PACKAGE_ROOT, 'node_modules', '.bin', name)
const cache = join(PACKAGE_ROOT, '.cache')
const DEFAULT_POSTGRES = 'postgres://postgres@127.0.0.1:5432/postgres'
const total: Counts = { passed: 0, failed: 0 }
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
  if (code !== 0) console.log(`FAILED: ${name}`)
}

/** Runs vitest projects and adds their counts; a file that cannot even be loaded counts as one failure. */
async function vitest(name: string, projects: string[], env: Record<string, string> = {}): Promise<void> {
  title(name)
  mkdirSync(cache, { recursive: true })
  const output = join(cache, `vitest-${projects.join('-')}.json`)
  rmSync(output, { force: true })
  const code = await run(
    bin('vitest'),
    [
      'run',
      ...projects.flatMap((project) => ['--project', project]),
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${output}`,
    ],
    env,
  )
  let result: {
    numPassedTests: number
    numFailedTests: number
    testResults: { status: string; assertionResults: unknown[] }[]
  }
  try {
    result = JSON.parse(readFileSync(output, 'utf8'))
  } catch {
    total.failed += 1
    return
  }
  const brokenFiles = result.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  ).length
  total.passed += result.numPassedTests
  total.failed += Math.max(result.numFailedTests + brokenFiles, code === 0 ? 0 : 1)
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
    if (process.env.CI || named) total.failed += 1
    return null
  } finally {
    await client.end().catch(() => {})
  }
}

if (process.argv.includes('--matrix')) {
  await vitest('client matrix and long tests', ['matrix'])
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
  await vitest('rooms on SQLite', ['sqlite'])
  if (postgres !== null) await vitest('rooms on PostgreSQL', ['postgres'], { TRAINYARD_TEST_DATABASE_URL: postgres })
  await vitest('real Python clients', ['compat'])
  await vitest('the demo in a real browser', ['e2e'])
}

console.log(`\nTook ${Math.round((Date.now() - startedAtMs) / 1000)} s`)
console.log(`${total.passed} passed, ${total.failed} failed`)
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1
