import type { Answer, Step } from './talk.ts'

/** Ids of one server under the names a scenario gave them, both ways. */
class Ids {
  readonly #byName = new Map<string, string>()
  readonly #byId = new Map<string, string>()

  bind(name: string, id: string): void {
    this.#byName.set(name, id)
    this.#byId.set(id, name)
  }

  /** The text with each `$name` replaced by its id. @throws Error for a name that nothing was bound to */
  fill(text: string): string {
    return text.replace(/\$[a-z]\w*/g, (name) => {
      const id = this.#byName.get(name)
      if (id === undefined) throw new Error(`Nothing is bound to ${name}`)
      return id
    })
  }

  fillAll(value: unknown): unknown {
    if (typeof value === 'string') return this.fill(value)
    if (Array.isArray(value)) return value.map((item) => this.fillAll(item))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, this.fillAll(field)]))
  }

  nameOf(id: string): string | undefined {
    return this.#byId.get(id)
  }
}

/** Lists that MLflow reads from a database without an order. */
const UNORDERED = new Set([
  'tags',
  'params',
  'aliases',
  'latest_versions',
  'dataset_inputs',
  'model_inputs',
  'model_outputs',
])
const DAY_MS = 86_400_000
const RANDOM_NAME = /^[a-z]+-[a-z]+-\d{1,4}$/

/**
 * Replaces what differs between two servers that behave alike: ids, times of now, random names, the address, and who did it
 * (MLflow has no accounts, so it says nobody; we say who).
 */
export class Normal {
  readonly ids = new Ids()
  readonly #url: string

  constructor(url: string) {
    this.#url = url
  }

  answer(answer: Answer, keep?: (json: Answer['json']) => unknown): Omit<Step, 'ask'> {
    const { status, json } = answer
    if (status >= 400) {
      const code = json?.error_code === undefined ? undefined : String(json.error_code)
      const message = json?.message === undefined ? undefined : this.#text(String(json.message), '').slice(0, 300)
      return { status, ...(code === undefined ? {} : { code }), ...(message === undefined ? {} : { message }) }
    }
    if (json === undefined || typeof json !== 'object') {
      const { 'content-type': type, 'content-disposition': disposition } = answer.headers
      const sniff = answer.headers['x-content-type-options']
      return { status, body: { text: answer.text.slice(0, 500), type, disposition, sniff } }
    }
    return { status, body: keep === undefined ? this.#value(json, '') : this.#value(keep(json), '') }
  }

  #value(value: unknown, key: string, parent = ''): unknown {
    if (typeof value === 'string') return this.#text(value, key)
    if (typeof value === 'number' && /time/.test(key) && Math.abs(value - Date.now()) < DAY_MS) return '<now>'
    if (Array.isArray(value)) {
      const items = value.map((item) => this.#value(item, key))
      const unordered = UNORDERED.has(key) || (key === 'metrics' && parent === 'data')
      return unordered ? items.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) : items
    }
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value)
        .filter(([name, field]) => !(name === 'user_id' && (field === '' || field === 'local')))
        .map(([name, field]) => [name, this.#value(field, name, key)] as const)
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    )
  }

  #text(text: string, key: string): string {
    if (key === 'next_page_token') return '<token>'
    if (key === 'experiment_id') return this.ids.nameOf(text) ?? (text === '0' ? text : '<experiment>')
    if ((key === 'run_name' || key === 'name' || key === 'value') && RANDOM_NAME.test(text)) return '<random name>'
    return text
      .replaceAll(this.#url, '<server>')
      .replace(/(m-|tr-)?[0-9a-f]{32}/g, (id) => this.ids.nameOf(id) ?? '<id>')
      .replace(
        /(mlflow-artifacts(?::\/+(?:localhost\/)?|\/artifacts\/))(\d+)/gi,
        (whole, before: string, id: string) => {
          const name = this.ids.nameOf(id)
          return name === undefined ? whole : `${before}${name}`
        },
      )
  }
}
