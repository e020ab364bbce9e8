import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { newSecret } from '../../../lib/ids.ts'
import { PACKAGE_ROOT } from '../../../lib/package-root.ts'
import { readPlainText } from '../../../lib/plain-file.ts'
import { HOST_ID, isAlive, processStart, signalGroup } from '../../../lib/processes.ts'
import type { Executor, ExecutorState, Launch } from './executor.ts'

/** How a process of this machine is found again: stored in `jobs.process`. */
type LocalHandle = { host: string; folder: string; pid: number; startedAt: string; nonce: string }

const EXIT_MAX_BYTES = 4096
const WRAPPER = join(PACKAGE_ROOT, 'runtimes', 'run-job.sh')

/**
 * Runs jobs as processes of this machine. Each is a process group of its own, led by `runtimes/run-job.sh`, writes its
 * log and exit status into the job's folder, and so survives the server: whoever comes next finds it by its handle.
 */
export const localExecutor: Executor = {
  name: 'local',

  async start(launch: Launch): Promise<string> {
    const nonce = newSecret(12)
    const log = openSync(join(launch.folder, 'log.txt'), 'a', 0o600)
    try {
      const child = spawn('/bin/sh', [WRAPPER, launch.folder, nonce, ...launch.argv], {
        cwd: launch.cwd,
        env: { ...launch.env },
        detached: true,
        stdio: ['ignore', log, log],
      })
      const pid = await new Promise<number>((resolve, reject) => {
        child.once('error', reject)
        child.once('spawn', () => resolve(child.pid!))
      })
      child.unref()
      const startedAt = await processStart(pid)
      if (startedAt === null) throw new Error('The process ended before it began.')
      return JSON.stringify({ host: HOST_ID, folder: launch.folder, pid, startedAt, nonce } satisfies LocalHandle)
    } finally {
      closeSync(log)
    }
  },

  async release(handle) {
    const { folder, nonce } = parse(handle)
    const file = await open(join(folder, `go-${nonce}`), 'w', 0o600)
    await file.close()
  },

  async adopt(handle) {
    const { host, folder, nonce } = parse(handle)
    if (host === HOST_ID) return 'mine'
    // Another machine, or this one before its container was replaced: the status file tells, when it is there.
    return (await readExit(folder, nonce)) === null ? 'elsewhere' : 'mine'
  },

  async poll(handle): Promise<ExecutorState> {
    const { host, folder, pid, startedAt, nonce } = parse(handle)
    const alive = host === HOST_ID && (await isAlive(pid, startedAt))
    // Alive counts, whatever the status file says: the job itself could have written that.
    if (alive) return { state: 'running' }
    const exit = await readExit(folder, nonce)
    if (exit === null) return { state: 'gone' }
    if (exit.exitCode === null) return { state: 'never-started' }
    return { state: 'exited', exitCode: exit.exitCode, finishedAtMs: exit.finishedAtMs }
  },

  async cancel(handle, how) {
    const { host, pid, startedAt } = parse(handle)
    if (host !== HOST_ID) return
    // The leader may be gone and its children not. A number that now belongs to another process is left alone.
    const now = await processStart(pid)
    if (now !== null && now !== startedAt) return
    signalGroup(pid, how === 'terminate' ? 'SIGTERM' : 'SIGKILL')
  },
}

function parse(handle: string): LocalHandle {
  return JSON.parse(handle) as LocalHandle
}

/** What the wrapper left: the exit code, null when it gave up before the start. Null altogether: nothing yet. */
async function readExit(
  folder: string,
  nonce: string,
): Promise<{ exitCode: number | null; finishedAtMs: number } | null> {
  const path = join(folder, `exit-${nonce}.json`)
  try {
    const file = await readPlainText(path, EXIT_MAX_BYTES)
    if (file === null) return null
    const written = JSON.parse(file.text) as { exit_code?: unknown }
    return {
      exitCode: typeof written.exit_code === 'number' ? written.exit_code : null,
      finishedAtMs: Math.round(file.mtimeMs),
    }
  } catch {
    return null // absent, or overwritten by the job with something else: then only its end will tell
  }
}
