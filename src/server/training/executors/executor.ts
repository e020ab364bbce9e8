/** What an executor is asked to run. */
export type Launch = {
  jobId: string
  /** The job's folder on this machine: `log.txt`, `work/` … */
  folder: string
  /** The folder to run in, below `folder`. */
  cwd: string
  /** Program and arguments. Never interpreted by a shell. */
  argv: readonly string[]
  /** The whole environment, not an addition to ours. */
  env: Readonly<Record<string, string>>
}

export type ExecutorState =
  | { state: 'running' }
  | { state: 'exited'; exitCode: number; finishedAtMs: number }
  /** It ended without telling how: killed from outside, or the machine went down. */
  | { state: 'gone' }
  /** It never started the user's code and never will: the job may safely be started again. */
  | { state: 'never-started' }

/**
 * Something that runs jobs: processes of this machine now; a cluster later. `handle` is the executor's own text, stored
 * with the job, by which another process finds the same execution again.
 */
export type Executor = {
  readonly name: string
  /** Prepares an execution that does not run the user's code yet. Nothing runs until `release`. */
  start(launch: Launch): Promise<string>
  /** Lets a started execution run. Called after `handle` is stored; idempotent. */
  release(handle: string): Promise<void>
  /** `mine` when this process can watch the execution, `elsewhere` when only another host can. */
  adopt(handle: string): Promise<'mine' | 'elsewhere'>
  poll(handle: string): Promise<ExecutorState>
  /** `terminate` asks the execution and all its children to end, `kill` makes them. Fine when they are gone. */
  cancel(handle: string, how: 'terminate' | 'kill'): Promise<void>
}
