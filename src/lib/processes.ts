import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { promisify } from 'node:util'

const run = promisify(execFile)

/**
 * Which machine's processes we can see: host name and, on Linux, the PID namespace, because two containers may share a
 * name but never a namespace.
 */
export const HOST_ID: string = `${hostname()}${pidNamespace()}`

const BOOT_ID = bootId()

function pidNamespace(): string {
  try {
    return `/${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return ''
  }
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim().slice(0, 8)
  } catch {
    return ''
  }
}

/**
 * When a process started, as a text that a later process of the same number does not share; null when there is no such
 * process (a zombie counts as none). Linux: boot id and field 22 of /proc/<pid>/stat; elsewhere `ps -o lstart`.
 */
export async function processStart(pid: number): Promise<string | null> {
  if (process.platform === 'linux') {
    let stat: string
    try {
      stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    } catch {
      return null
    }
    // The second field is the program's name in parentheses and may hold anything: count from its end.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? null : `${BOOT_ID}:${fields[19]}`
  }
  try {
    const { stdout } = await run('ps', ['-o', 'state=,lstart=', '-p', String(pid)])
    const [state = 'Z', ...start] = stdout.trim().split(/\s+/)
    return state.startsWith('Z') ? null : start.join(' ')
  } catch {
    return null
  }
}

/** Whether the process with this number is still the one that started then. */
export async function isAlive(pid: number, startedAt: string): Promise<boolean> {
  return (await processStart(pid)) === startedAt
}

/** Sends a signal to a whole process group; fine when nobody is left in it. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ESRCH' && code !== 'EPERM') throw error
  }
}

/** Names this process as the holder of leases, so that on the same machine everybody can see whether it still lives. */
export async function ownerName(): Promise<string> {
  return [HOST_ID, process.pid, await processStart(process.pid), randomBytes(4).toString('hex')].join('|')
}

/** Whether this owner was a process of this machine that is not there any more: then its lease counts for nothing. */
export async function ownerDied(owner: string): Promise<boolean> {
  const [host, pid, startedAt] = owner.split('|')
  return host === HOST_ID && !(await isAlive(Number(pid), startedAt ?? ''))
}
