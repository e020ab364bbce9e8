import { execFile, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { promisify } from 'node:util'
import { signalGroup } from '../../lib/processes.ts'

/** Where the steps before a job's own code write, in the job's log, so that one file tells the whole story. */
export type StepLog = {
  /** One line of the server's own. */
  say(line: string): void
  /** The file that children append their output to. */
  path: string
}

/**
 * Runs a program to its end with its output in the log. Aborting kills it and its children.
 * @returns its exit code; 128 + 9 when it was killed
 * @throws the abort reason
 */
export async function runStep(
  argv: readonly string[],
  options: { env: Record<string, string>; log: StepLog; signal: AbortSignal; cwd?: string },
): Promise<number> {
  options.signal.throwIfAborted()
  const [program = '', ...rest] = argv
  const output = openSync(options.log.path, 'a', 0o600)
  try {
    const child = spawn(program, rest, {
      env: options.env,
      detached: true,
      stdio: ['ignore', output, output],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    })
    const stop = () => {
      if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL')
    }
    options.signal.addEventListener('abort', stop, { once: true })
    try {
      const code = await new Promise<number>((resolve, reject) => {
        child.once('error', reject)
        child.once('exit', (exitCode) => resolve(exitCode ?? 137))
      })
      options.signal.throwIfAborted()
      return code
    } finally {
      options.signal.removeEventListener('abort', stop)
    }
  } finally {
    closeSync(output)
  }
}

const run = promisify(execFile)

/** What a program prints, or null when it is not there, fails, or takes more than 20 s. */
export async function outputOf(argv: readonly string[], env: Record<string, string>): Promise<string | null> {
  const [program = '', ...rest] = argv
  try {
    return (await run(program, rest, { env, timeout: 20_000, maxBuffer: 1024 * 1024 })).stdout.trim()
  } catch {
    return null
  }
}
