import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { freePort } from '../../bench/tracking/servers.ts'

/** A PostgreSQL of our own, which may be killed: the one of the machine serves others. */
export type PostgresCluster = {
  url: string
  start(): Promise<void>
  /** `kill -9` of every process of it at once. */
  kill(): Promise<void>
  /** What an impatient administrator does: every connection breaks, nothing is written back. */
  stopImmediately(): Promise<void>
  close(): Promise<void>
}

const LIBRARY = '/usr/lib/postgresql'

/** The folder of the newest server programs; a client's `psql` alone is not enough. */
function programs(): string | null {
  const folders = (existsSync(LIBRARY) ? readdirSync(LIBRARY) : [])
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(LIBRARY, version, 'bin'))
  return (
    [...folders, ...(process.env.PATH ?? '').split(':')].find(
      (folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')),
    ) ?? null
  )
}

/** Why there can be none on this machine; null: there can. */
export function clusterMissing(): string | null {
  if (programs() === null) return `there are no programs of a PostgreSQL server in ${LIBRARY} or on the PATH`
  if (process.platform !== 'linux') return 'its processes are found in /proc'
  return null
}

/** PostgreSQL refuses to run as root. */
function unprivileged(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {}
  const users = readFileSync('/etc/passwd', 'utf8').split('\n')
  const user = users.find((line) => line.startsWith('postgres:')) ?? users.find((line) => line.startsWith('nobody:'))
  const [, , uid, gid] = user?.split(':') ?? []
  return { uid: Number(uid), gid: Number(gid) }
}

/**
 * An empty cluster, not yet started.
 * @param where the folder of its tables (the log of its writes lies elsewhere); default: a temporary one
 */
export async function createCluster(where?: string): Promise<PostgresCluster> {
  const bin = programs() ?? ''
  const user = unprivileged()
  const folder = await mkdtemp(join(tmpdir(), 'trainyard-pg-'))
  const tables = where ?? join(folder, 'tables')
  mkdirSync(tables, { recursive: true, mode: 0o700 })
  if (user.uid !== undefined && user.gid !== undefined)
    for (const path of [folder, tables]) chownSync(path, user.uid, user.gid)
  const quiet = { ...user, cwd: folder, stdio: 'ignore' as const }
  execFileSync(
    join(bin, 'initdb'),
    ['-D', tables, '-X', join(folder, 'wal'), '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C'],
    quiet,
  )
  const port = await freePort()
  const settings = ['listen_addresses=127.0.0.1', `unix_socket_directories=${folder}`, 'max_connections=50']
  const args = ['-D', tables, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])]
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  let postmaster: ChildProcess | undefined
  let ended: Promise<unknown> = Promise.resolve()

  async function end(signal: 'SIGKILL' | 'SIGQUIT'): Promise<void> {
    if (postmaster?.pid === undefined) return
    const processes = [postmaster.pid, ...childrenOf(postmaster.pid)]
    for (const pid of signal === 'SIGKILL' ? processes : [postmaster.pid]) process.kill(pid, signal)
    await ended
    // Orphans hold the shared memory, and the next postmaster would not start.
    while (processes.some((pid) => existsSync(`/proc/${pid}`))) await new Promise((resolve) => setTimeout(resolve, 5))
    postmaster = undefined
  }

  return {
    url,
    async start() {
      const child = spawn(join(bin, 'postgres'), args, quiet)
      postmaster = child
      ended = new Promise((resolve) => child.once('exit', resolve))
      await answers(url)
    },
    kill: () => end('SIGKILL'),
    stopImmediately: () => end('SIGQUIT'),
    async close() {
      await end('SIGKILL')
      await rm(folder, { recursive: true, force: true })
      await rm(tables, { recursive: true, force: true })
    },
  }
}

function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return text === '' ? [] : text.split(' ').map(Number)
}

async function answers(url: string): Promise<void> {
  for (let tried = 0; ; tried++) {
    const client = new pg.Client({ connectionString: url })
    client.on('error', () => {})
    try {
      await client.connect()
      return
    } catch (error) {
      if (tried === 600) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    } finally {
      await client.end().catch(() => {})
    }
  }
}
