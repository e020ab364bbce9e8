import { mkdir, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { dataFolder } from '../../config.ts'
import type { Context } from '../../context.ts'
import { ownerDied, ownerName } from '../../lib/processes.ts'
import { driveJob, endHeldJob, type StopRequests } from './drive.ts'
import type { Executor } from './executors/executor.ts'
import { localExecutor } from './executors/local.ts'
import { clearWork } from './folders.ts'
import { hasEnded } from './jobs.service.ts'
import * as store from './jobs.store.ts'

/** Takes queued jobs and watches running ones, on this machine. */
export type JobRunner = {
  /** @param baseUrl where this machine reaches the server, with its base path and without a slash at the end */
  start(ctx: Context, baseUrl: string): Promise<void>
  /** Look at the queue now: a job was added, or a cancel asked for. */
  poke(): void
  /** Stops taking and watching jobs. Those that run go on; the next runner on this machine finds them. */
  stop(): Promise<void>
}

const TICK_MS = 1_000
const LEASE_MS = 60_000
const HEARTBEAT_MS = 10_000
const TAKE_OVER_EVERY_MS = 5_000
/** A job whose own machine is silent this long after its lease ran out counts as lost. */
const LOST_AFTER_MS = 5 * 60_000
const SWEEP_EVERY_MS = 3600_000
const KEEP_WORK_MS = 7 * 24 * 3600_000
const DAY_MS = 24 * 3600_000

type Active = { stop: StopRequests; abort: AbortController; done: Promise<void> }

export function createJobRunner(executor: Executor = localExecutor): JobRunner {
  let loop: RunnerLoop | null = null
  return {
    async start(ctx, baseUrl) {
      loop = new RunnerLoop(ctx, executor, baseUrl, await ownerName())
      await loop.start()
    },
    poke: () => loop?.poke(),
    stop: async () => loop?.stop(),
  }
}

class RunnerLoop {
  readonly #ctx: Context
  readonly #executor: Executor
  readonly #baseUrl: string
  readonly #owner: string
  readonly #active = new Map<string, Active>()
  #stopped = false
  #timer: NodeJS.Timeout | undefined
  #ticking: Promise<void> | null = null
  #again = false
  #heartbeatAtMs = 0
  #takeOverAtMs = 0
  #sweepAtMs = 0

  constructor(ctx: Context, executor: Executor, baseUrl: string, owner: string) {
    this.#ctx = ctx
    this.#executor = executor
    this.#baseUrl = baseUrl
    this.#owner = owner
  }

  async start(): Promise<void> {
    await mkdir(dataFolder(this.#ctx.config, 'jobs'), { recursive: true, mode: 0o700 })
    await this.#endLostJobs()
    this.#timer = setInterval(() => this.poke(), TICK_MS)
    this.#timer.unref()
    this.poke()
  }

  poke(): void {
    if (this.#stopped) return
    if (this.#ticking !== null) {
      this.#again = true
      return
    }
    this.#ticking = this.#tick()
      .catch((error: unknown) => this.#ctx.log.error({ err: error }, 'job runner: the queue cannot be read'))
      .finally(() => {
        this.#ticking = null
        if (this.#again) {
          this.#again = false
          setImmediate(() => this.poke())
        }
      })
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearInterval(this.#timer)
    await this.#ticking
    for (const active of this.#active.values()) ask(active, 'serverStop')
    await Promise.all([...this.#active.values()].map((active) => active.done))
    await store.releaseLeases(this.#ctx.db, this.#owner, this.#ctx.now()).catch(() => {})
  }

  async #tick(): Promise<void> {
    const { db, config } = this.#ctx
    const now = this.#ctx.now()
    if (now - this.#heartbeatAtMs >= HEARTBEAT_MS) {
      await store.extendLeases(db, this.#owner, now + LEASE_MS)
      this.#heartbeatAtMs = now
    }
    await this.#lookAtHeld()
    if (now - this.#takeOverAtMs >= TAKE_OVER_EVERY_MS) {
      this.#takeOverAtMs = now
      await this.#takeOver()
    }
    while (!this.#stopped && this.#active.size < config.jobSlots) {
      const row = await store.claimJob(db, this.#executor.name, this.#owner, this.#ctx.now() + LEASE_MS)
      if (row === null) break
      this.#begin(row)
    }
    if (now - this.#sweepAtMs >= SWEEP_EVERY_MS) {
      this.#sweepAtMs = now
      await this.#sweepFolders()
    }
  }

  #begin(row: store.JobRow): void {
    const abort = new AbortController()
    const stop: StopRequests = { cancel: false, serverStop: false, leaseLost: false }
    const drive = { owner: this.#owner, baseUrl: this.#baseUrl, executor: this.#executor, stop, signal: abort.signal }
    const active: Active = {
      stop,
      abort,
      done: driveJob(this.#ctx, drive, row)
        .catch((error: unknown) => this.#ctx.log.error({ err: error, job: row.id }, 'job runner: a job slipped away'))
        .then(async () => {
          if (stop.serverStop) await this.#handBack(row.id)
          if (this.#active.get(row.id) === active) this.#active.delete(row.id)
          this.poke()
        }),
    }
    this.#active.set(row.id, active)
  }

  /** A job whose preparation was broken off by a stop starts from the beginning elsewhere. */
  async #handBack(id: string): Promise<void> {
    const change = { state: 'queued', lease_owner: null, lease_until_ms: null } as const
    await store.changeHeldJob(this.#ctx.db, id, this.#owner, ['preparing'], change).catch(() => {})
  }

  /** Cancels that were asked for, and jobs that were taken from us. */
  async #lookAtHeld(): Promise<void> {
    if (this.#active.size === 0) return
    const known = [...this.#active]
    const held = new Map(
      (await store.heldJobs(this.#ctx.db, this.#owner)).map((row) => [row.id, row.cancel_requested_at_ms]),
    )
    for (const [id, active] of known) {
      const cancelAtMs = held.get(id)
      if (cancelAtMs === undefined) ask(active, 'leaseLost')
      else if (cancelAtMs !== null) ask(active, 'cancel')
    }
  }

  /** Jobs whose runner is gone: those that run here are watched on, those that were being prepared start again. */
  async #takeOver(): Promise<void> {
    for (const row of await store.jobsOfOthers(this.#ctx.db, this.#executor.name, this.#owner)) {
      if (this.#stopped) return
      const now = this.#ctx.now()
      const expired = row.lease_owner === null || (row.lease_until_ms ?? 0) < now
      if (!expired && !(await ownerDied(row.lease_owner ?? ''))) continue
      const elsewhere = row.process !== null && (await this.#executor.adopt(row.process)) === 'elsewhere'
      if (elsewhere && now - (row.lease_until_ms ?? 0) < LOST_AFTER_MS) continue
      if (!(await store.takeLease(this.#ctx.db, row, this.#owner, now + LEASE_MS))) continue
      if (elsewhere) await this.#giveUp(row)
      else await this.#adopt(row)
    }
  }

  async #adopt(row: store.JobRow): Promise<void> {
    if (row.state === 'running' && row.process !== null) {
      this.#ctx.log.info({ job: row.id }, 'watching a job that an earlier server started')
      this.#begin({ ...row, lease_owner: this.#owner })
    } else if (row.cancel_requested_at_ms !== null) {
      await endHeldJob(this.#ctx, this.#owner, row, {
        state: 'cancelled',
        exitCode: null,
        error: 'Cancelled before its code started.',
        finishedAtMs: this.#ctx.now(),
      })
    } else {
      // No process was written down, so none was ever told to run: starting again cannot make two.
      const change = { state: 'queued', process: null, lease_owner: null, lease_until_ms: null } as const
      await store.changeHeldJob(this.#ctx.db, row.id, this.#owner, ['preparing', 'running'], change)
    }
  }

  async #giveUp(row: store.JobRow): Promise<void> {
    const error = 'The machine that ran it has not answered for minutes, and no other can see its process.'
    await endHeldJob(this.#ctx, this.#owner, row, {
      state: 'lost',
      exitCode: null,
      error,
      finishedAtMs: this.#ctx.now(),
    })
  }

  /** A machine that was away too long: what others gave up must not run on here. */
  async #endLostJobs(): Promise<void> {
    for (const row of await store.lostJobsSince(this.#ctx.db, this.#ctx.now() - DAY_MS)) {
      if (row.process !== null) await this.#executor.cancel(row.process, 'kill')
    }
  }

  /** Work folders of jobs that ended a week ago; their logs stay. */
  async #sweepFolders(): Promise<void> {
    const root = dataFolder(this.#ctx.config, 'jobs')
    for (const id of await readdir(root)) {
      const work = await stat(join(root, id, 'work')).catch(() => null)
      if (work === null || work.mtimeMs > this.#ctx.now() - KEEP_WORK_MS) continue
      const row = await store.jobById(this.#ctx.db, id)
      const old =
        row === undefined || (hasEnded(row.state) && (row.finished_at_ms ?? 0) < this.#ctx.now() - KEEP_WORK_MS)
      if (old) await clearWork(join(root, id))
    }
  }
}

function ask(active: Active, what: keyof StopRequests): void {
  active.stop[what] = true
  active.abort.abort(what)
}
