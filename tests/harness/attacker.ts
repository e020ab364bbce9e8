import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { TestServer } from './server.ts'

export type RawAnswer = { status: number; text: string; headers: Record<string, string | string[] | undefined> }

/** One request whose path and headers go over the wire exactly as given: fetch would tidy both up. */
export function fire(
  server: TestServer,
  method: string,
  path: string,
  options: { body?: string | Buffer; headers?: Record<string, string | string[]>; token?: string } = {},
): Promise<RawAnswer> {
  const { body, headers = {}, token } = options
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(server.url)
    const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    const sent = request(
      { hostname, port, method, path, headers: { ...length, ...authorization, ...headers } },
      (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk: Buffer) => chunks.push(chunk))
        answer.on('error', reject)
        answer.on('end', () =>
          resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString(), headers: answer.headers }),
        )
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}

/** Files that are nobody's but the machine's: beside the data folder, in it, and a link from it to the first. */
export type Canaries = {
  /** Absolute path of the folder beside the data. */
  outside: string
  /** Whether an answer holds what lies in one of them, or in a file of the system. */
  leaked(text: string): boolean
  /** Fails when one was changed, removed, or has company. */
  untouched(): Promise<void>
  remove(): Promise<void>
}
const SECRET = 'canary-7f3a91'

export async function plantCanaries(server: TestServer): Promise<Canaries> {
  const outside = `${server.folder}-outside`
  await mkdir(join(outside, 'folder'), { recursive: true })
  await writeFile(join(outside, 'canary.txt'), SECRET)
  await writeFile(join(outside, 'folder', 'canary.txt'), SECRET)
  await writeFile(join(server.folder, 'canary.txt'), SECRET)
  await symlink(outside, join(server.folder, 'link'))
  /** What the server itself keeps below its data folder may change. */
  const seen = async () => [
    ...(await readdir(outside, { recursive: true })).sort(),
    ...(await readdir(server.folder)).filter((name) => !/^trainyard\.db/.test(name)).sort(),
    await readFile(join(outside, 'canary.txt'), 'utf8'),
    await readFile(join(outside, 'folder', 'canary.txt'), 'utf8'),
    await readFile(join(server.folder, 'canary.txt'), 'utf8'),
  ]
  const before = await seen()
  return {
    outside,
    leaked: (text) => text.includes(SECRET) || /root:[^:]*:0:0:/.test(text) || text.includes('SQLite format 3'),
    untouched: async () => expect(await seen()).toEqual(before),
    remove: () => rm(outside, { recursive: true, force: true }),
  }
}

/** Processor time in ms that a piece of work takes of this thread: what all others wait for, however loaded the machine is. */
export async function busyMs(work: () => Promise<unknown>): Promise<number> {
  const before = process.threadCpuUsage()
  await work()
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1000
}

/** The longest that one request may keep the event loop from everybody else. */
export const MAX_BUSY_MS = 200

/** As `busyMs`, the least of some tries: a garbage collection of what came before is not the request's. */
export async function leastBusyMs(work: () => Promise<unknown>, tries = 3): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < tries && least > MAX_BUSY_MS; i++) least = Math.min(least, await busyMs(work))
  return least
}
