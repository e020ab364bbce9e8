import { randomBytes } from 'node:crypto'
import { type Client, latencies, quantile, rate, spread } from './client.ts'

export type Sizes = {
  /** Runs in each experiment that is searched; one experiment per entry. */
  runs: number[]
  /** Points of the long series. */
  points: number
  /** Duration of one measurement of a rate. */
  seconds: number
  /** Simulated clients where there are many. */
  concurrency: number
  artifactMiB: number
}

/** What the scenarios need of a filled server. */
export type Filled = {
  client: Client
  experiment: string
  /** One run for each simulated client. */
  runs: string[]
  /** The run with the long series `loss`. */
  long: string
  artifact: Buffer
}

/** What a scenario is, for the targets: which ratio it must reach is set by kind (report.ts); a footprint sets none. */
export type Kind =
  | 'log-metric-1'
  | 'log-metric'
  | 'log-batch'
  | 'create-run'
  | 'fill'
  | 'search-filter'
  | 'search-metric'
  | 'search-newest'
  | 'history'
  | 'get-run'
  | 'artifact'
  | 'footprint'

export type Scenario = {
  kind: Kind
  name: string
  unit: string
  /** Runs in the searched experiment. */
  runs?: number
  higherIsBetter: boolean
  measure(server: Filled): Promise<number>
}

const batch = (count: number, n: number) =>
  Array.from({ length: count }, (_, k) => ({ key: `k${k}`, value: k + n, timestamp: Date.now(), step: n }))
const experiment = async (client: Client, name: string): Promise<string> =>
  (await client.post('experiments/create', { name: `bench-${name}-${randomBytes(4).toString('hex')}` })).experiment_id
const createRun = async (client: Client, experimentId: string, lane = 0, more: object = {}): Promise<string> =>
  (await client.post('runs/create', { experiment_id: experimentId, start_time: Date.now(), ...more }, lane)).run.info
    .run_id

/** An empty experiment with a run for each simulated client. */
export async function prepare(client: Client, sizes: Sizes): Promise<Filled> {
  const id = await experiment(client, 'load')
  const runs: string[] = []
  for (let i = 0; i < sizes.concurrency; i++) runs.push(await createRun(client, id))
  const long = await createRun(client, id)
  return { client, experiment: id, runs, long, artifact: randomBytes(sizes.artifactMiB * 1024 * 1024) }
}

/** Fills one experiment by 8 clients, as the searches need it: 4 metrics, 10 params and a tag a run. Runs per second. */
export async function fillRuns({ client }: Filled, count: number): Promise<{ id: string; perSecond: number }> {
  const id = await experiment(client, `search-${count}`)
  const begun = performance.now()
  await spread(count, 8, async (i, lane) => {
    const run = await createRun(client, id, lane, { run_name: `r${i}` })
    const metrics = ['acc', 'loss', 'f1', 'auc'].map((key, k) => ({
      key,
      value: ((i * (k + 3)) % 997) / 997,
      timestamp: Date.now(),
      step: 0,
    }))
    const params = Array.from({ length: 10 }, (_, k) => ({ key: `p${k}`, value: String((i * (k + 1)) % 13) }))
    const tags = [{ key: 'team', value: `t${i % 5}` }]
    await client.write('runs/log-batch', { run_id: run, metrics, params, tags }, lane)
  })
  return { id, perSecond: count / ((performance.now() - begun) / 1_000) }
}

/** Fills the long series in batches of 1,000 by one client. Metrics per second. */
export async function fillSeries({ client, long }: Filled, points: number): Promise<number> {
  const begun = performance.now()
  for (let start = 0; start < points; start += 1_000) {
    const metrics = Array.from({ length: Math.min(1_000, points - start) }, (_, j) => ({
      key: 'loss',
      value: Math.sin((start + j) / 50),
      timestamp: 1.7e12 + start + j,
      step: start + j,
    }))
    await client.write('runs/log-batch', { run_id: long, metrics })
  }
  return points / ((performance.now() - begun) / 1_000)
}

/** Rates of writing, and reads that do not depend on the number of runs. */
export function scenarios(sizes: Sizes): Scenario[] {
  const { seconds, concurrency } = sizes
  const logMetric = (server: Filled, lane: number, n: number) =>
    server.client.write(
      'runs/log-metric',
      { run_id: server.runs[lane], key: 'm', value: n, timestamp: Date.now(), step: n },
      lane,
    )
  const perSecond = { unit: 'req/s', higherIsBetter: true }
  const many = `${concurrency} clients`
  return [
    {
      kind: 'log-metric-1',
      name: 'log-metric, 1 client',
      ...perSecond,
      measure: (s) => rate(seconds, 1, (l, n) => logMetric(s, l, n)),
    },
    {
      kind: 'log-metric',
      name: `log-metric, ${many}`,
      ...perSecond,
      measure: (s) => rate(seconds, concurrency, (l, n) => logMetric(s, l, n)),
    },
    {
      kind: 'log-batch',
      name: `log-batch of 100, ${many}`,
      unit: 'metrics/s',
      higherIsBetter: true,
      measure: async (s) =>
        100 *
        (await rate(seconds, concurrency, (lane, n) =>
          s.client.write('runs/log-batch', { run_id: s.runs[lane], metrics: batch(100, n) }, lane),
        )),
    },
    {
      kind: 'create-run',
      name: `create-run, ${many}`,
      ...perSecond,
      measure: (s) =>
        rate(seconds, concurrency, (lane) =>
          s.client.write('runs/create', { experiment_id: s.experiment, start_time: Date.now() }, lane),
        ),
    },
    {
      kind: 'history',
      name: `metric history, ${sizes.points.toLocaleString('en')} points, first 25,000`,
      unit: 'ms',
      higherIsBetter: false,
      measure: async ({ client, long }) =>
        median(
          await latencies(3, () =>
            client.getText('metrics/get-history', { run_id: long, metric_key: 'loss', max_results: '25000' }),
          ),
        ),
    },
    {
      kind: 'get-run',
      name: 'get run',
      unit: 'ms',
      higherIsBetter: false,
      measure: async (s) =>
        median(await latencies(30, () => s.client.getText('runs/get', { run_id: s.runs[0] ?? '' }))),
    },
    {
      kind: 'artifact',
      name: `artifact upload, ${sizes.artifactMiB} MiB`,
      unit: 'MiB/s',
      higherIsBetter: true,
      measure: (s) => transfer(s, 'PUT'),
    },
    {
      kind: 'artifact',
      name: `artifact download, ${sizes.artifactMiB} MiB`,
      unit: 'MiB/s',
      higherIsBetter: true,
      measure: (s) => transfer(s, 'GET'),
    },
  ]
}

/** The searches of a page of 100 in an experiment of `runs` runs; `idOf` tells its id on a server. */
export function searches(runs: number, idOf: (server: Filled) => string): Scenario[] {
  const search = (kind: Kind, name: string, extra: object): Scenario => ({
    kind,
    name: `search ${runs.toLocaleString('en')} runs, ${name}`,
    unit: 'ms',
    runs,
    higherIsBetter: false,
    measure: async (server) => {
      const body = { experiment_ids: [idOf(server)], max_results: 100, ...extra }
      return median(
        await latencies(30, async () => {
          const found = await server.client.text('POST', '/api/2.0/mlflow/runs/search', body)
          if (!found.includes('"runs"')) throw new Error(`The search found nothing: ${JSON.stringify(body)}`)
        }),
      )
    },
  })
  const filter = "metrics.acc > 0.5 and params.p3 = '4' and tags.team = 't1'"
  return [
    search('search-filter', 'filter + order', { filter, order_by: ['metrics.loss ASC'] }),
    search('search-metric', 'by a metric', { order_by: ['metrics.f1 DESC'] }),
    search('search-newest', 'newest page', {}),
  ]
}

const median = (values: number[]) => quantile(values, 0.5)

async function transfer({ client, experiment: id, long, artifact }: Filled, method: 'GET' | 'PUT'): Promise<number> {
  const path = `/api/2.0/mlflow-artifacts/artifacts/${id}/${long}/artifacts/blob.bin`
  const begun = performance.now()
  const got = await client.bytes(method, path, method === 'PUT' ? artifact : undefined)
  const took = (performance.now() - begun) / 1_000
  if (method === 'GET' && got !== artifact.length)
    throw new Error(`${got} bytes came back instead of ${artifact.length}.`)
  return artifact.length / 1024 / 1024 / took
}
