import { createHash } from 'node:crypto'
import type { Ledger, LedgerRun } from './ledger.ts'

// biome-ignore lint/suspicious/noExplicitAny: tests look into any answer
export type Reply = { status: number; body: any; text: string; bytes: Buffer; retryAfter: string | null }
export type Ask = (method: string, path: string, content?: object | Uint8Array) => Promise<Reply>
type Step = {
  kind: string
  method: string
  path: string
  content: object | Uint8Array
  /** Notes in the ledger what the answer acknowledges. */
  keep(answer: Reply): void
  /** Of a log-batch: to look whether half of it is there. */
  batch?: Batch
  /** How often it was sent without an answer that says what became of it. */
  unknown: number
}
export type Batch = {
  run: string
  metrics: { key: string; value: number; timestamp: number; step: number }[]
  params: { key: string; value: string }[]
  tags: { key: string; value: string }[]
}

export const API = '/api/2.0/mlflow'
export const ARTIFACTS = '/api/2.0/mlflow-artifacts/artifacts'
export const MODEL = 'kept'

/** Numbers in [0, 1) that the seed decides (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** One request; a broken connection throws a TypeError, as fetch does. */
export function askAt(url: string): Ask {
  return async (method, path, content) => {
    const isBytes = content instanceof Uint8Array
    const answer = await fetch(url + path, {
      method,
      headers: content === undefined ? {} : { 'content-type': `application/${isBytes ? 'octet-stream' : 'json'}` },
      ...(content === undefined ? {} : { body: isBytes ? (content as BodyInit) : JSON.stringify(content) }),
    })
    const bytes = Buffer.from(await answer.arrayBuffer())
    const isJson = answer.headers.get('content-type')?.includes('json') ?? false
    const text = isJson ? bytes.toString('utf8') : ''
    return {
      status: answer.status,
      text,
      bytes,
      body: isJson ? JSON.parse(text) : null,
      retryAfter: answer.headers.get('retry-after'),
    }
  }
}

/**
 * A client as MLflow's: one request after the other, and what got no answer, or 503, is sent again as it was. All of its
 * writes are in the ledger, so that each can be looked for.
 */
export class Writer {
  readonly #name: string
  readonly #random: () => number
  readonly #ledger: Ledger
  #run: LedgerRun | undefined
  #step: Step | null = null
  #made = 0

  constructor(name: string, seed: number, ledger: Ledger) {
    this.#name = name
    this.#random = randomFrom(seed)
    this.#ledger = ledger
  }

  /** The batch that was sent and not answered. */
  get unanswered(): Batch | undefined {
    return this.#step !== null && this.#step.unknown > 0 ? this.#step.batch : undefined
  }

  /**
   * Writes until `isOver`, or until the connection breaks while `isDead` says that it must.
   * @param settle ends with the answer to the step that is open, and begins no other
   */
  async work(ask: Ask, isOver: () => boolean, isDead: () => boolean, settle = false): Promise<void> {
    while (settle ? this.#step !== null : !isOver()) {
      this.#step ??= this.#next()
      const step = this.#step
      let answer: Reply
      try {
        answer = await ask(step.method, step.path, step.content)
      } catch (error) {
        step.unknown += 1
        this.#ledger.lostAnswers += 1
        if (isDead()) return
        throw new Error(`${step.kind}: the connection broke although the server lives`, { cause: error })
      }
      if (answer.status === 503) {
        if (answer.retryAfter === null || answer.body?.error_code !== 'TEMPORARILY_UNAVAILABLE')
          throw new Error(`${step.kind}: a 503 that does not say when to come back: ${answer.text}`)
        step.unknown += 1
        this.#ledger.refused += 1
        await new Promise((resolve) => setTimeout(resolve, 50))
        continue
      }
      if (answer.status !== 200) throw new Error(`${step.kind}: ${answer.status} ${answer.text}`)
      if (step.unknown > 0) this.#ledger.sentAgain(step.kind, step.unknown)
      step.keep(answer)
      this.#ledger.acknowledged += 1
      this.#step = null
    }
  }

  #next(): Step {
    const dice = this.#random()
    const run = this.#run
    if (run === undefined || dice < 0.08) return this.#createRun()
    if (dice < 0.43) return this.#logBatch(run)
    if (dice < 0.63) return this.#logMetric(run, 'loss')
    if (dice < 0.75 && this.#ledger.shared !== undefined) return this.#logMetric(this.#ledger.shared, 'shared')
    if (dice < 0.87) return this.#setTag(run)
    if (dice < 0.96) return this.#upload(run)
    return this.#addVersion(run)
  }

  #unique(): string {
    this.#made += 1
    return `${this.#name}-${this.#made}`
  }

  #post(kind: string, content: object, keep: Step['keep'], batch?: Batch): Step {
    return {
      kind,
      method: 'POST',
      path: `${API}/${kind}`,
      content,
      keep,
      unknown: 0,
      ...(batch === undefined ? {} : { batch }),
    }
  }

  #createRun(): Step {
    const op = this.#unique()
    const tags = [{ key: 'op', value: op }]
    return this.#post('runs/create', { experiment_id: '0', start_time: 1_000, run_name: op, tags }, ({ body }) => {
      this.#run = this.#ledger.addRun(body.run.info.run_id, op)
    })
  }

  #logBatch(run: LedgerRun): Step {
    const op = this.#unique()
    const batch: Batch = {
      run: run.id,
      metrics: Array.from({ length: 20 }, (_, i) => ({
        key: `m${i % 5}`,
        value: this.#random(),
        timestamp: 1_000 + i,
        step: this.#made * 10 + Math.floor(i / 5),
      })),
      params: [0, 1, 2].map((i) => ({ key: `p-${op}-${i}`, value: `${this.#random()}` })),
      tags: [0, 1].map((i) => ({ key: `t-${op}-${i}`, value: `${this.#random()}` })),
    }
    const { run: run_id, ...content } = batch
    return this.#post(
      'runs/log-batch',
      { run_id, ...content },
      () => {
        for (const point of batch.metrics) run.addPoint(point)
        for (const { key, value } of batch.params) run.params.set(key, value)
        for (const { key, value } of batch.tags) run.tags.set(key, value)
      },
      batch,
    )
  }

  /** Writers of a shared run never write the same point: the time is their own. */
  #logMetric(run: LedgerRun, key: string): Step {
    this.#made += 1
    const point = { key, value: this.#random(), timestamp: Number(this.#name.slice(1)), step: this.#made }
    return this.#post('runs/log-metric', { run_id: run.id, ...point }, () => run.addPoint(point))
  }

  #setTag(run: LedgerRun): Step {
    const tag = { key: 'state', value: this.#unique() }
    return this.#post('runs/set-tag', { run_id: run.id, ...tag }, () => run.tags.set(tag.key, tag.value))
  }

  #upload(run: LedgerRun): Step {
    const name = `${this.#unique()}.bin`
    const size = Math.floor(this.#random() < 0.2 ? 2_500_000 * this.#random() : 60_000 * this.#random())
    const bytes = new Uint8Array(size).fill(Math.floor(this.#random() * 256))
    bytes.set(new TextEncoder().encode(name).subarray(0, size))
    return {
      kind: 'upload',
      method: 'PUT',
      path: `${ARTIFACTS}/0/${run.id}/artifacts/${name}`,
      content: bytes,
      keep: () => run.files.set(name, createHash('sha256').update(bytes).digest('hex')),
      unknown: 0,
    }
  }

  #addVersion(run: LedgerRun): Step {
    const op = this.#unique()
    const source = `mlflow-artifacts:/0/${run.id}/artifacts/model`
    const tags = [{ key: 'op', value: op }]
    return this.#post(
      'model-versions/create',
      { name: MODEL, source, run_id: run.id, tags },
      ({ body }) => void this.#ledger.versions.set(String(body.model_version.version), op),
    )
  }
}
