import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import { API, ARTIFACTS, type Ask, type Batch, MODEL } from './writers.ts'

type Point = { key: string; value: number; timestamp: number; step: number }
const textOf = ({ key, value, timestamp, step }: Point) => `${key} ${step} ${timestamp} ${value}`

/** What was acknowledged of one run. */
export class LedgerRun {
  readonly id: string
  readonly op: string
  readonly params = new Map<string, string>()
  readonly tags = new Map<string, string>()
  /** By path: the SHA-256. */
  readonly files = new Map<string, string>()
  readonly points = new Map<string, Set<string>>()

  constructor(id: string, op: string) {
    this.id = id
    this.op = op
    this.tags.set('op', op)
  }

  addPoint(point: Point): void {
    const known = this.points.get(point.key)
    if (known === undefined) this.points.set(point.key, new Set([textOf(point)]))
    else known.add(textOf(point))
  }
}

/** All that a server acknowledged to a group of writers. */
export class Ledger {
  readonly runs = new Map<string, LedgerRun>()
  /** Model versions: what the version was tagged with, by number. */
  readonly versions = new Map<string, string>()
  /** A run that all write to. */
  shared: LedgerRun | undefined
  acknowledged = 0
  lostAnswers = 0
  refused = 0
  readonly #again = new Map<string, number>()

  addRun(id: string, op: string): LedgerRun {
    expect(this.runs.has(id), `the id ${id} was given out twice`).toBe(false)
    const run = new LedgerRun(id, op)
    this.runs.set(id, run)
    return run
  }

  /** A request was acknowledged after it had been sent `times` without an answer: so many more may have been done. */
  sentAgain(kind: string, times: number): void {
    this.#again.set(kind, (this.#again.get(kind) ?? 0) + times)
  }

  async begin(ask: Ask): Promise<void> {
    const made = await ask('POST', `${API}/runs/create`, { experiment_id: '0', tags: [{ key: 'op', value: 'shared' }] })
    this.shared = this.addRun(made.body.run.info.run_id, 'shared')
    expect((await ask('POST', `${API}/registered-models/create`, { name: MODEL })).status).toBe(200)
  }

  toString(): string {
    return `${this.acknowledged} writes acknowledged (${this.runs.size} runs, ${this.versions.size} versions), ${this.lostAnswers} answers lost, ${this.refused} times 503`
  }

  /** All of it is there, once, and nothing else but what a repeated request may have made a second time. */
  async check(ask: Ask): Promise<void> {
    await this.#checkRuns(ask)
    await this.#checkVersions(ask)
    await inParallel([...this.runs.values()], async (run) => {
      await checkPoints(ask, run)
      await checkFiles(ask, run)
    })
  }

  async #checkRuns(ask: Ask): Promise<void> {
    const found = new Set<string>()
    let extra = 0
    const view = { experiment_ids: ['0'], run_view_type: 'ALL', max_results: 1000 }
    for await (const { info, data } of pages(ask, 'runs/search', view, 'runs')) {
      expect(found.has(info.run_id), `run ${info.run_id} is listed twice`).toBe(false)
      found.add(info.run_id)
      const params = pairs(data.params)
      const tags = pairs(data.tags).filter(([key]) => !key.startsWith('mlflow.'))
      const run = this.runs.get(info.run_id)
      if (run !== undefined) {
        expect(params, `params of run ${run.id}`).toEqual([...run.params].sort())
        expect(tags, `tags of run ${run.id}`).toEqual([...run.tags].sort())
        continue
      }
      // Made by a request whose answer was lost, and never used: whole all the same.
      extra += 1
      expect([params, data.metrics ?? [], tags.map(([key]) => key)]).toEqual([[], [], ['op']])
    }
    for (const id of this.runs.keys()) expect(found.has(id), `run ${id} was acknowledged and is not there`).toBe(true)
    expect(extra).toBeLessThanOrEqual(this.#again.get('runs/create') ?? 0)
  }

  async #checkVersions(ask: Ask): Promise<void> {
    const numbers: number[] = []
    const search = `${API}/model-versions/search?max_results=10000&filter=${encodeURIComponent(`name='${MODEL}'`)}`
    for (const { version, tags } of (await ask('GET', search)).body.model_versions ?? []) {
      numbers.push(Number(version))
      const op = this.versions.get(String(version))
      if (op !== undefined) expect(pairs(tags)).toEqual([['op', op]])
    }
    numbers.sort((a, b) => a - b)
    // One after the other, none twice, none left out.
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, i) => i + 1))
    expect(numbers).toEqual(expect.arrayContaining([...this.versions.keys()].map(Number)))
    expect(numbers.length - this.versions.size).toBeLessThanOrEqual(this.#again.get('model-versions/create') ?? 0)
  }
}

/** Of a batch that was not answered all is there, or nothing. */
export async function checkWhole(ask: Ask, batch: Batch): Promise<'all' | 'nothing'> {
  const { data } = (await ask('GET', `${API}/runs/get?run_id=${batch.run}`)).body.run
  const params = new Map(pairs(data.params))
  const tags = new Map(pairs(data.tags))
  const there: boolean[] = [
    ...batch.params.map(({ key, value }) => params.get(key) === value),
    ...batch.tags.map(({ key, value }) => tags.get(key) === value),
  ]
  for (const key of new Set(batch.metrics.map((point) => point.key))) {
    const points = new Set(await history(ask, batch.run, key))
    for (const point of batch.metrics) if (point.key === key) there.push(points.has(textOf(point)))
  }
  expect(new Set(there).size, `half of a batch is in run ${batch.run}: ${there}`).toBe(1)
  return there[0] === true ? 'all' : 'nothing'
}

async function checkPoints(ask: Ask, run: LedgerRun): Promise<void> {
  for (const [key, points] of run.points)
    expect(await history(ask, run.id, key), `metric ${key} of run ${run.id}`).toEqual([...points].sort())
}

async function checkFiles(ask: Ask, run: LedgerRun): Promise<void> {
  const listed = (await ask('GET', `${API}/artifacts/list?run_id=${run.id}`)).body.files ?? []
  const names = listed.map(({ path }: { path: string }) => path)
  expect(names.sort(), `files of run ${run.id}`).toEqual([...run.files.keys()].sort())
  for (const [name, sha256] of run.files) {
    const answer = await ask('GET', `${ARTIFACTS}/0/${run.id}/artifacts/${name}`)
    expect(answer.status).toBe(200)
    expect(createHash('sha256').update(answer.bytes).digest('hex'), `${name} of run ${run.id}`).toBe(sha256)
  }
}

/** All points of a metric, in a fixed order; one that is there twice comes twice. */
async function history(ask: Ask, run: string, key: string): Promise<string[]> {
  const points: string[] = []
  for (let token = ''; ; ) {
    const path = `${API}/metrics/get-history?run_id=${run}&metric_key=${key}&max_results=10000`
    const { body } = await ask('GET', token === '' ? path : `${path}&page_token=${encodeURIComponent(token)}`)
    for (const { value, timestamp, step } of body.metrics ?? [])
      points.push(textOf({ key, value, timestamp: Number(timestamp), step: Number(step) }))
    token = body.next_page_token ?? ''
    if (token === '') return points.sort()
  }
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into any answer
async function* pages(ask: Ask, path: string, body: object, list: string): AsyncGenerator<any> {
  for (let token: string | undefined; ; ) {
    const answer = await ask('POST', `${API}/${path}`, { ...body, page_token: token })
    yield* answer.body[list] ?? []
    token = answer.body.next_page_token
    if (token === undefined) return
  }
}

const pairs = (list: { key: string; value: string }[] = []): [string, string][] =>
  list.map(({ key, value }): [string, string] => [key, value]).sort()

async function inParallel<T>(items: T[], work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items]
  const lane = async () => {
    for (let item = waiting.pop(); item !== undefined; item = waiting.pop()) await work(item)
  }
  await Promise.all(Array.from({ length: 8 }, lane))
}
