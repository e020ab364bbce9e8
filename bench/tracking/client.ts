import { type Answer, Lane } from './http.ts'

const MAX_TRIES = 5

// biome-ignore lint/suspicious/noExplicitAny: answers of three servers
type Json = any

/** A tracking server under load: MLflow's REST API over as many connections as there are simulated clients. */
export class Client {
  readonly name: string
  private readonly lanes: Lane[]

  constructor(name: string, url: string, token: string | null, connections: number) {
    this.name = name
    const headers = token === null ? [] : [`Authorization: Bearer ${token}`]
    this.lanes = Array.from({ length: connections }, () => new Lane(url, headers))
  }

  /** @throws Error with the server's words for any status of 300 or more */
  async call(method: string, path: string, body?: unknown, lane = 0): Promise<Json> {
    const text = await this.text(method, path, body, lane)
    return text === '' ? {} : JSON.parse(text)
  }

  /** As `call`, for what is measured: the answer is read, but to parse it would measure this program. */
  async text(method: string, path: string, body?: unknown, lane = 0): Promise<string> {
    return (await this.good(method, path, body, lane)).body?.toString('utf8') ?? ''
  }

  private async good(method: string, path: string, body: unknown, lane: number): Promise<Answer> {
    const data = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
    const answer = await this.send(lane, method, path, data)
    if (answer.status < 300) return answer
    throw new Error(`${method} ${path}: ${answer.status} ${answer.body?.toString('utf8').slice(0, 300)}`)
  }

  post(path: string, body: unknown, lane = 0): Promise<Json> {
    return this.call('POST', `/api/2.0/mlflow/${path}`, body, lane)
  }

  /** As `post`, for a write whose answer holds nothing that is needed: it is read, but not parsed. */
  async write(path: string, body: unknown, lane = 0): Promise<void> {
    await this.good('POST', `/api/2.0/mlflow/${path}`, body, lane)
  }

  getText(path: string, query: Record<string, string>, lane = 0): Promise<string> {
    return this.text('GET', `/api/2.0/mlflow/${path}?${new URLSearchParams(query)}`, undefined, lane)
  }

  /** Sends or fetches bytes that are only counted; returns how many came back. */
  async bytes(method: 'GET' | 'PUT', path: string, body?: Buffer): Promise<number> {
    const answer = await this.lane(0).send(method, path, body, 'application/octet-stream', true)
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status}`)
    return answer.bodyBytes
  }

  /** A peer may break a connection (MLflow replaces workers that were too busy to answer it); as its client, ask again. */
  private async send(lane: number, method: string, path: string, data: Buffer | undefined, tries = 1): Promise<Answer> {
    try {
      return await this.lane(lane).send(method, path, data)
    } catch (error) {
      if (this.name === 'ours' || tries === MAX_TRIES) throw error
      return this.send(lane, method, path, data, tries + 1)
    }
  }

  close(): void {
    for (const lane of this.lanes) lane.close()
  }

  private lane(index: number): Lane {
    const lane = this.lanes[index]
    if (lane === undefined) throw new Error(`There are ${this.lanes.length} connections, not ${index + 1}.`)
    return lane
  }
}

/** Completed jobs per second: `clients` of them in a closed loop for `seconds`. */
export async function rate(seconds: number, clients: number, job: (client: number, n: number) => Promise<unknown>) {
  const start = performance.now()
  const end = start + seconds * 1_000
  let count = 0
  await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      while (performance.now() < end) {
        await job(client, count)
        count++
      }
    }),
  )
  return count / ((performance.now() - start) / 1_000)
}

/** Milliseconds of each of up to `times` jobs, one after the other; a slow server does at least 3 and then stops at 15 s. */
export async function latencies(times: number, job: (n: number) => Promise<unknown>): Promise<number[]> {
  const begun = performance.now()
  const found: number[] = []
  while (found.length < times && (found.length < 3 || performance.now() - begun < 15_000)) {
    const start = performance.now()
    await job(found.length)
    found.push(performance.now() - start)
  }
  return found
}

/** Runs `job` for 0 … n-1, `width` at a time; the second argument says on which connection. */
export async function spread(n: number, width: number, job: (i: number, lane: number) => Promise<unknown>) {
  let next = 0
  await Promise.all(
    Array.from({ length: width }, async (_, lane) => {
      while (next < n) await job(next++, lane)
    }),
  )
}

/** The value below which `share` of the values lie (0.5: the median). */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
