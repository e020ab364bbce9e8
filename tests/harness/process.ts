import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { NODE_FLAGS } from '../../scripts/node-flags.mjs'
import { PACKAGE_ROOT } from '../../src/lib/package-root.ts'

export type Program = {
  child: ChildProcess
  /** Everything it printed so far. */
  output(): string
  /** Resolves with the first match of the pattern in its output; rejects when it ends before. */
  saw(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>
  /** Its exit status; null when a signal ended it. */
  ended: Promise<number | null>
  kill(signal: NodeJS.Signals): void
}

/** Starts the program as a user's process would run (no npm between, so that a signal hits the server itself). */
export function startProgram(args: string[], env: Record<string, string> = {}, cwd: string = PACKAGE_ROOT): Program {
  return follow(
    spawn(process.execPath, [...NODE_FLAGS, join(PACKAGE_ROOT, 'src', 'main.ts'), ...args], {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  )
}

export function follow(child: ChildProcess): Program {
  let text = ''
  const watchers = new Set<() => void>()
  const take = (chunk: Buffer) => {
    text += chunk.toString('utf8')
    for (const watcher of [...watchers]) watcher()
  }
  child.stdout?.on('data', take)
  child.stderr?.on('data', take)
  let isOver = false
  const ended = new Promise<number | null>((resolve) => {
    child.on('exit', (code) => {
      isOver = true
      for (const watcher of [...watchers]) watcher()
      resolve(code)
    })
  })
  return {
    child,
    output: () => text,
    ended,
    kill: (signal) => void child.kill(signal),
    saw(pattern, timeoutMs = 120_000) {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(
          () => stop(() => reject(new Error(`Did not see ${pattern} in ${timeoutMs} ms:\n${text.slice(-3000)}`))),
          timeoutMs,
        )
        const stop = (then: () => void) => {
          clearTimeout(timer)
          watchers.delete(look)
          then()
        }
        const look = () => {
          const match = pattern.exec(text)
          if (match !== null) stop(() => resolve(match))
          else if (isOver) stop(() => reject(new Error(`Ended without ${pattern}:\n${text.slice(-3000)}`)))
        }
        watchers.add(look)
        look()
      })
    },
  }
}
