import { type Client, spread } from '../tracking/client.ts'

export type ScaleSizes = {
  seed: number
  experiments: number
  runs: number
  /** Distinct metric keys in the whole project. */
  keys: number
  /** Points in all, those of the long and the wide series among them. */
  points: number
  /** Points of the one long series. */
  long: number
  /** Runs that have a series of equal key and length, to be looked at side by side, and the points of each. */
  wideRuns: number
  widePoints: number
}

/** Ids that the measurements need; the rest is found by searching. */
export type Store = {
  sizes: ScaleSizes
  /** The experiment with a fifth of all runs, and one with few. */
  big: string
  small: string
  long: string
  wide: string[]
  points: number
}

const LANES = 16
const T0_MS = Date.UTC(2026, 0, 1)
const MODELS = ['tree', 'forest', 'linear', 'net', 'boost']
/** Metric keys that every run has; the others are drawn from the pool. */
const COMMON = ['loss', 'accuracy']
const OWN_KEYS = 8

/** Numbers from 0 to 1 that depend on the seed alone (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

type Entry = { key: string; value: number; timestamp: number; step: number }

/** Experiments, runs, params and tags: everything but points. Returns the runs' ids in their order. */
export async function fillRuns(
  client: Client,
  sizes: ScaleSizes,
  say: Say,
): Promise<Omit<Store, 'points'> & { runs: string[] }> {
  const experiments: string[] = []
  await spread(sizes.experiments, LANES, async (i, lane) => {
    experiments[i] = (await client.post('experiments/create', { name: `scale-${i}` }, lane)).experiment_id
  })
  const runs: string[] = []
  const progress = say('runs', sizes.runs)
  await spread(sizes.runs, LANES, async (i, lane) => {
    const next = random(sizes.seed * 1_000_003 + i)
    // The first runs are those with long series. Experiments are of very different sizes, as people's are.
    const place = i <= sizes.wideRuns || next() < 0.2 ? 0 : 1 + Math.floor((experiments.length - 1) * next() ** 2)
    const made = await client.post(
      'runs/create',
      {
        experiment_id: experiments[Math.min(place, experiments.length - 1)],
        run_name: `run-${i}`,
        start_time: T0_MS + i * 60_000,
        tags: [
          { key: 'team', value: `t${Math.floor(next() * 12)}` },
          { key: 'host', value: `node-${Math.floor(next() * 400)}` },
        ],
      },
      lane,
    )
    runs[i] = made.run.info.run_id
    const params = [
      { key: 'model', value: MODELS[Math.floor(next() * MODELS.length)] },
      { key: 'lr', value: String(10 ** (-1 - 4 * next())) },
      { key: 'seed', value: String(Math.floor(next() * 1e9)) },
      ...Array.from({ length: 7 }, (_, k) => ({
        key: `p${Math.floor(next() * 30) * 7 + k}`,
        value: String(Math.floor(next() * 100)),
      })),
    ]
    await client.post('runs/log-batch', { run_id: runs[i], params }, lane)
    progress(i)
  })
  const [big = '', ...rest] = experiments
  return { sizes, big, small: rest.at(-1) ?? big, long: runs[0] ?? '', wide: runs.slice(1, 1 + sizes.wideRuns), runs }
}

/** The points of all runs, each run's in the order in which a training script would log them. Returns how many there are. */
export async function fillPoints(
  client: Client,
  sizes: ScaleSizes,
  runs: readonly string[],
  say: Say,
): Promise<number> {
  const rest = sizes.points - sizes.long - sizes.wideRuns * sizes.widePoints
  const each = Math.max(0, Math.floor(rest / Math.max(1, runs.length - 1 - sizes.wideRuns)))
  let total = 0
  const progress = say('points', sizes.points)
  await spread(runs.length, LANES, async (i, lane) => {
    const next = random(sizes.seed * 7_000_003 + i)
    const series =
      i === 0
        ? new Map([['loss', sizes.long]])
        : i <= sizes.wideRuns
          ? new Map([['loss', sizes.widePoints]])
          : shares(each, sizes.keys, next)
    for (const metrics of batches(series, i, next)) {
      await client.post('runs/log-batch', { run_id: runs[i], metrics }, lane)
      total += metrics.length
      progress(total)
    }
    await client.post('runs/update', { run_id: runs[i], status: 'FINISHED', end_time: T0_MS + i }, lane)
  })
  return total
}

type Say = (what: string, of: number) => (done: number) => void

/** How many points each key of an ordinary run has: half of them in the two keys that all runs share. */
function shares(points: number, keys: number, next: () => number): Map<string, number> {
  const found = new Map(COMMON.map((key) => [key, Math.ceil(points / 4)]))
  const own = Math.max(1, Math.floor(points / 2 / OWN_KEYS))
  while (found.size < COMMON.length + OWN_KEYS) found.set(`metric_${Math.floor(next() * (keys - COMMON.length))}`, own)
  return found
}

/** The points of a run step by step, in batches of 1,000 as the client sends them: noisy curves, unlike each other. */
function* batches(series: Map<string, number>, run: number, next: () => number): Generator<Entry[]> {
  const begun = T0_MS + run * 60_000
  const scale = new Map([...series.keys()].map((key) => [key, 0.2 + next()]))
  const last = Math.max(...series.values())
  let batch: Entry[] = []
  let timestamp = begun
  for (let step = 0; step < last; step++) {
    timestamp += 200 + Math.floor(next() * 100)
    for (const [key, count] of series) {
      if (step >= count) continue
      const decay = (scale.get(key) ?? 1) * Math.exp((-3 * step) / last)
      const value = key === 'accuracy' ? 1 - decay * (0.6 + 0.1 * next()) : decay + 0.05 * next()
      batch.push({ key, value, timestamp, step })
      if (batch.length < 1_000) continue
      yield batch
      batch = []
    }
  }
  if (batch.length > 0) yield batch
}
