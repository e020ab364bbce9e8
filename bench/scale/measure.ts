import { fork } from 'node:child_process'
import { type Client, quantile } from '../tracking/client.ts'
import { markdown, number } from '../tracking/report.ts'
import type { Served } from '../tracking/servers.ts'
import type { Store } from './fill.ts'

export type Timing = { name: string; times: number[]; limitMs: number }

const LIMIT_MS = { search: 100, long: 20, wide: 300, searchBesideWriters: 250 }
const PROJECT = '/api/v1/projects/bench/default'
/** Points of each run in a chart of hundreds. */
const WIDE_POINTS = 200
const PAGES_DEEP = 20

type Ask = (n: number) => Promise<unknown>

/** The searches that people make, over the experiment with a fifth of all runs, over a small one and over the project. */
export function searches(client: Client, store: Store): Map<string, Ask> {
  const { big, small, sizes } = store
  const find = (experiment: string, filter: ((n: number) => string) | null, ...order: string[]): Ask => {
    return (n) =>
      client.post('runs/search', {
        experiment_ids: [experiment],
        max_results: 100,
        ...(filter === null ? {} : { filter: filter(n) }),
        ...(order.length === 0 ? {} : { order_by: order }),
      })
  }
  const inProject = (query: (n: number) => Record<string, string>): Ask => {
    return (n) => client.call('GET', `${PROJECT}/runs?${new URLSearchParams({ limit: '50', ...query(n) })}`)
  }
  const model = (n: number) => ['tree', 'forest', 'linear', 'net', 'boost'][n % 5] ?? 'tree'
  return new Map<string, Ask>([
    ['small experiment, newest', find(small, null)],
    ['newest', find(big, null)],
    ['oldest', find(big, null, 'attributes.start_time ASC')],
    ['by metric, least first', find(big, null, 'metrics.loss ASC')],
    ['by metric, greatest first', find(big, null, 'metrics.accuracy DESC')],
    ['by a metric that few runs have', find(big, null, `metrics.metric_${sizes.seed % (sizes.keys - 2)} DESC`)],
    ['by param', find(big, null, 'params.lr ASC')],
    ['by tag, then metric', find(big, null, 'tags.team ASC', 'metrics.loss ASC')],
    ['metric range, newest', find(big, (n) => `metrics.accuracy > ${0.9 + (n % 50) / 1_000}`)],
    [
      'metric and param, by metric',
      find(big, (n) => `metrics.accuracy > 0.9 and params.model = '${model(n)}'`, 'metrics.loss ASC'),
    ],
    [
      'metric, param and tag, by param',
      find(
        big,
        (n) => `metrics.loss < 0.5 and params.model = '${model(n)}' and tags.team = 't${n % 12}'`,
        'params.lr DESC',
      ),
    ],
    ['tag differs', find(big, (n) => `tags.team != 't${n % 12}'`)],
    ['name is', find(big, (n) => `attributes.run_name = 'run-${n}'`)],
    ['name contains', find(big, (n) => `attributes.run_name LIKE '%${n % 100}%'`)],
    ['param of a thousand values', find(big, (n) => `params.p${n % 7} = '${n % 100}'`, 'metrics.loss ASC')],
    ['nothing matches', find(big, () => 'metrics.loss > 1000000000', 'metrics.loss ASC')],
    [`page ${PAGES_DEEP} by metric`, deepPage(client, big)],
    ['project, newest', inProject(() => ({}))],
    ['project, by metric', inProject(() => ({ order_by: 'metrics.loss ASC' }))],
    [
      'project, metric and param',
      inProject((n) => ({
        filter: `metrics.accuracy > 0.9 and params.model = '${model(n)}'`,
        order_by: 'metrics.loss ASC',
      })),
    ],
  ])
}

/** The page that one sees after scrolling for a while; only the last request is the one that counts. */
function deepPage(client: Client, experiment: string): Ask {
  let token: Promise<string> | null = null
  const page = (pageToken?: string) =>
    client.post('runs/search', {
      experiment_ids: [experiment],
      max_results: 100,
      order_by: ['metrics.loss ASC'],
      page_token: pageToken,
    })
  const walk = async () => {
    let at: string | undefined
    for (let i = 1; i < PAGES_DEEP; i++) at = (await page(at)).next_page_token ?? at
    return at ?? ''
  }
  return async () => {
    token ??= walk()
    const known = await token
    return page(known === '' ? undefined : known)
  }
}

/** Each search `times` times, after one that is not counted. */
export async function timeSearches(
  asks: Map<string, Ask>,
  times: number,
  say: (text: string) => void,
): Promise<Timing[]> {
  const found: Timing[] = []
  for (const [name, ask] of asks) {
    say(`search: ${name}`)
    await ask(0)
    found.push({ name: `search: ${name}`, limitMs: LIMIT_MS.search, times: await timed(times, ask) })
  }
  return found
}

async function timed(times: number, ask: Ask): Promise<number[]> {
  const found: number[] = []
  for (let n = 1; n <= times; n++) {
    const begun = performance.now()
    await ask(n)
    found.push(performance.now() - begun)
  }
  return found
}

/** Charts: the long series in 1,000 buckets, and the same key of many runs. */
export async function timeCharts(client: Client, store: Store, times: number): Promise<Timing[]> {
  // Of each bucket the first, last, least and greatest point: four points.
  const history = `${PROJECT}/runs/${store.long}/history?key=loss&max_points=4000`
  const charts: [string, number, Ask][] = [
    [
      `chart: 1,000 buckets of ${store.sizes.long.toLocaleString('en')} points`,
      LIMIT_MS.long,
      () => client.call('GET', history),
    ],
    [
      `chart: one key of ${store.wide.length} runs, ${store.sizes.widePoints.toLocaleString('en')} points each, thinned to ${WIDE_POINTS}`,
      LIMIT_MS.wide,
      () =>
        client.call('POST', `${PROJECT}/metrics/series`, { key: 'loss', runs: store.wide, max_points: WIDE_POINTS }),
    ],
  ]
  const found: Timing[] = []
  for (const [name, limitMs, ask] of charts) {
    await ask(0)
    found.push({ name, limitMs, times: await timed(times, ask) })
  }
  return found
}

/** All searches in turn for `seconds` while writers in a process of their own log as fast as they are let. */
export async function timeBesideWriters(
  server: Served,
  store: Store,
  asks: Map<string, Ask>,
  options: { writers: number; seconds: number },
): Promise<{ timing: Timing; each: Timing[]; batchesPerSecond: number }> {
  const { writers, seconds } = options
  const child = fork(new URL('./writers.ts', import.meta.url), [
    server.url,
    server.token ?? '',
    store.big,
    String(writers),
  ])
  const died = new Promise<never>((_, reject) => {
    child.once('exit', (code) => reject(new Error(`The writers ended early, with ${code}; see above.`)))
  })
  died.catch(() => {}) // looked at below, whenever it comes
  const said = () =>
    Promise.race([died, new Promise<number>((resolve) => child.once('message', (message) => resolve(Number(message))))])
  await said() // all of them write
  const times: number[] = []
  const each = new Map([...asks.keys()].map((name) => [name, [] as number[]]))
  const until = performance.now() + seconds * 1_000
  for (let n = 0; performance.now() < until; n++) {
    for (const [name, ask] of asks) {
      const begun = performance.now()
      await ask(n)
      times.push(performance.now() - begun)
      each.get(name)?.push(performance.now() - begun)
    }
  }
  const count = said()
  if (child.connected) child.send('stop')
  const batchesPerSecond = await count
  return {
    timing: { name: `all searches beside ${writers} writers`, limitMs: LIMIT_MS.searchBesideWriters, times },
    each: [...each].map(([name, of]) => ({ name: `beside writers: ${name}`, limitMs: Number.NaN, times: of })),
    batchesPerSecond,
  }
}

/** A row per measurement; its limit is for the 95th percentile. */
export function timingTable(timings: readonly Timing[]): string {
  const lines = timings.map(({ name, times, limitMs }) => {
    const p95 = quantile(times, 0.95)
    const verdict = Number.isNaN(limitMs) ? '' : p95 <= limitMs ? 'holds' : '**missed**'
    return [
      name,
      String(times.length),
      number(quantile(times, 0.5)),
      number(p95),
      number(Math.max(...times)),
      Number.isNaN(limitMs) ? '' : String(limitMs),
      verdict,
    ]
  })
  return markdown([['measurement', 'n', 'p50 ms', 'p95 ms', 'max ms', 'limit of p95', ''], ...lines])
}

export const holds = ({ times, limitMs }: Timing) => Number.isNaN(limitMs) || quantile(times, 0.95) <= limitMs
