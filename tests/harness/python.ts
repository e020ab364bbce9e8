import { execFile } from 'node:child_process'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { readConfig, systemEnvironment } from '../../src/config.ts'
import { PACKAGE_ROOT } from '../../src/lib/package-root.ts'
import { ensureEnvironment } from '../../src/server/training/environments.ts'

/**
 * A Python with the clients that the compatibility tests drive: the one of TRAINYARD_TEST_PYTHON, else an environment below
 * `.cache/py` made from `tests/compat/requirements.txt` in the platform's own way, once for each change of that file.
 */
export async function testPython(): Promise<string> {
  const named = process.env.TRAINYARD_TEST_PYTHON
  if (named !== undefined && named !== '') return named
  return pythonWith(await readFile(join(PACKAGE_ROOT, 'tests', 'compat', 'requirements.txt'), 'utf8'), 'build')
}

/**
 * A Python with these requirements, in an environment below `.cache/py` that is made once and kept.
 * @param name of the log of its building, `.cache/py/<name>.log`
 */
export async function pythonWith(requirements: string, name: string): Promise<string> {
  const data = join(PACKAGE_ROOT, '.cache', 'py')
  await mkdir(data, { recursive: true })
  const log = { path: join(data, `${name}.log`), say: () => {} }
  const spec = { python: null, requirements }
  return (await ensureEnvironment(readConfig({ data }), spec, log, AbortSignal.timeout(580_000))).python
}

/**
 * Runs a script of `tests/compat` with a clean environment and returns the JSON of its last line of output.
 * @throws Error with the script's own words when it fails
 */
export async function runScript(
  python: string,
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Record<string, unknown>> {
  const path = join(PACKAGE_ROOT, 'tests', 'compat', script)
  try {
    const { stdout } = await promisify(execFile)(python, [path, ...args], {
      env: { ...systemEnvironment(), PYTHONDONTWRITEBYTECODE: '1', ...env },
      maxBuffer: 64 * 1024 * 1024,
    })
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, unknown>
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(
      `${script} failed: ${String(error).slice(0, 500)}\n${stdout.slice(-3_000)}\n${stderr.slice(-6_000)}`,
    )
  }
}
