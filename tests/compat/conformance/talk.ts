import { createHash } from 'node:crypto'
import { Agent, type IncomingHttpHeaders, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { Normal } from './normal.ts'

/** What one request was answered with, with ids, times and random names replaced by their places in the scenario. */
export type Step = {
  /** The request as the scenario wrote it; `$run` and the like stand for ids that earlier answers gave. */
  ask: string
  status: number
  /** `error_code` of a refusal. */
  code?: string
  /** Words of a refusal: recorded to be read, compared only where clients depend on them (compare.ts). */
  message?: string
  body?: unknown
}

export type Answer = {
  status: number
  headers: IncomingHttpHeaders
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: scenarios look into any answer
  json: any
}

type Query = Record<string, string | number | boolean | readonly (string | number)[] | undefined>

export type Options = {
  query?: Query
  /** The body exactly as it is sent; `body` is JSON. */
  raw?: string | Buffer
  headers?: Record<string, string>
  /** Gives the id in the answer this name. */
  bind?: string
  /** Gives the answer's `next_page_token` this name; '' when there is none. */
  token?: string
  /** What is kept of a good answer, when the whole would only be long. */
  // biome-ignore lint/suspicious/noExplicitAny: scenarios look into any answer
  keep?: (json: any) => unknown
}

const agent = new Agent({ keepAlive: false })
const ASK_MAX = 360
/** Calls whose order shows in the times they write: the clock moves on before each. */
const TIMED =
  /\/(create|logged-models|restore|delete|update|rename|transition-stage|set-tag|alias)$|logged-models\/[^/]+$/

let lastMs = 0

/** One scenario's talk with a server: sends what it is told, keeps what came back in comparable form. */
export class Talk {
  readonly steps: Step[] = []
  readonly #url: string
  readonly #normal: Normal
  readonly scenario: string

  constructor(url: string, scenario: string) {
    this.#url = url
    this.scenario = scenario
    this.#normal = new Normal(url)
  }

  /** A name that no other scenario uses. */
  name(text: string): string {
    return `${this.scenario}-${text}`
  }

  get(path: string, query: Query = {}, options: Options = {}): Promise<Answer> {
    return this.send('GET', path, undefined, { query, ...options })
  }

  post(path: string, body: unknown, options: Options = {}): Promise<Answer> {
    return this.send('POST', path, body, options)
  }

  /**
   * Sends one request and keeps the answer as a step. A path that does not begin with `/` is below `/api/2.0/mlflow/`.
   * `$name` in any text stands for the id that was bound to it.
   */
  async send(method: string, path: string, body?: unknown, options: Options = {}): Promise<Answer> {
    const answer = await this.#ask(method, path, body, options)
    const { ids } = this.#normal
    if (options.bind !== undefined && answer.status < 300) ids.bind(options.bind, idIn(answer.json))
    if (options.token !== undefined) ids.bind(options.token, String(answer.json?.next_page_token ?? ''))
    this.steps.push({ ask: askOf(method, path, body, options), ...this.#normal.answer(answer, options.keep) })
    return answer
  }

  /** As `send`, but nothing is kept: for filling a store before the step that matters. @throws Error when it is refused */
  async quiet(method: string, path: string, body?: unknown): Promise<Answer> {
    const answer = await this.#ask(method, path, body)
    if (answer.status < 300) return answer
    throw new Error(`${this.scenario}: ${method} ${path} was refused: ${answer.status} ${answer.text.slice(0, 500)}`)
  }

  async #ask(method: string, path: string, body?: unknown, options: Options = {}): Promise<Answer> {
    if (method !== 'GET' && TIMED.test(path)) {
      while (Date.now() <= lastMs) await sleep(1)
    }
    const { ids } = this.#normal
    const at = ids.fill(path.startsWith('/') ? path : `/api/2.0/mlflow/${path}`)
    const query = queryText(ids.fillAll(options.query ?? {}) as Query)
    const raw = options.raw ?? (body === undefined ? undefined : JSON.stringify(ids.fillAll(body)))
    const payload = typeof raw === 'string' ? ids.fill(raw) : raw
    const headers = {
      ...(payload === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(payload)) }),
      ...options.headers,
    }
    const answer = await exchange(this.#url, method, at + query, headers, payload)
    lastMs = Date.now()
    return answer
  }

  /** Makes something without a step and binds its id. */
  async make(bind: string, path: string, body: unknown): Promise<Answer> {
    const answer = await this.quiet('POST', path, body)
    this.#normal.ids.bind(bind, idIn(answer.json))
    return answer
  }

  experiment(bind: string, name: string = bind.slice(1)): Promise<Answer> {
    return this.make(bind, 'experiments/create', { name: this.name(name) })
  }

  run(bind: string, experiment: string, more: object = {}): Promise<Answer> {
    const name = bind.slice(1)
    return this.make(bind, 'runs/create', { experiment_id: experiment, run_name: name, start_time: 1_000, ...more })
  }
}

// biome-ignore lint/suspicious/noExplicitAny: whatever a creating call answers
function idIn(json: any): string {
  const id = json?.experiment_id ?? json?.run?.info?.run_id ?? json?.model?.info?.model_id
  if (typeof id !== 'string') throw new Error(`No id in the answer ${JSON.stringify(json)}`)
  return id
}

function askOf(method: string, path: string, body: unknown, options: Options): string {
  const parts = [method, path + queryText(options.query ?? {})]
  for (const [name, value] of Object.entries(options.headers ?? {})) parts.push(`[${name}: ${value}]`)
  if (options.raw !== undefined) parts.push(options.raw.toString())
  else if (body !== undefined) parts.push(JSON.stringify(body))
  const whole = parts.join(' ')
  if (whole.length <= ASK_MAX) return whole
  const digest = createHash('sha256').update(whole).digest('hex').slice(0, 8)
  return `${whole.slice(0, ASK_MAX / 2)} … ${whole.slice(-40)} (${whole.length} characters, ${digest})`
}

function queryText(query: Query): string {
  const search = new URLSearchParams(
    Object.entries(query).flatMap(([key, value]) =>
      value === undefined ? [] : [value].flat().map((one) => [key, String(one)]),
    ),
  )
  return search.size === 0 ? '' : `?${search.toString().replaceAll('%24', '$')}`
}

/** One HTTP/1.1 exchange with the path exactly as given (fetch would tidy `..` and `//` away). */
function exchange(
  base: string,
  method: string,
  path: string,
  headers: Record<string, string>,
  payload: string | Buffer | undefined,
): Promise<Answer> {
  const { hostname, port } = new URL(base)
  return new Promise((resolve, reject) => {
    const call = request({ agent, hostname, port, method, path, headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8')
        let json: unknown
        try {
          json = JSON.parse(text)
        } catch {}
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json })
      })
    })
    call.on('error', reject)
    call.end(payload)
  })
}
