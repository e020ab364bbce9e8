import type { FastifyInstance } from 'fastify'
import type { Registry } from 'prom-client'

/** What `/metrics` answers, in Prometheus' text format. */
export type Metrics = { render(): Promise<{ contentType: string; text: string }> }

type Series = { labels: string; counts: number[]; sum: number; total: number }

const NAME = 'trainyard_http_request_duration_seconds'
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30]

/**
 * Counts and times every answer. Installed on the whole server, before any route. The process's own figures come from
 * `prom-client`, which is loaded at the first scrape and counts its pauses and collections from then on.
 */
export function installMetrics(app: FastifyInstance): Metrics {
  const all = new Map<string, Series>()
  let registry: Promise<Registry> | undefined
  app.addHook('onResponse', (request, reply, done) => {
    const { method } = request
    const route = request.routeOptions.url ?? 'none'
    const key = `${method} ${reply.statusCode} ${route}`
    let series = all.get(key)
    if (series === undefined) {
      const labels = `method="${method}",route="${escaped(route)}",status="${reply.statusCode}"`
      series = { labels, counts: BUCKETS.map(() => 0), sum: 0, total: 0 }
      all.set(key, series)
    }
    observe(series, reply.elapsedTime / 1000)
    done()
  })
  return {
    async render() {
      registry ??= processMetrics()
      const { contentType, metrics } = await registry.then(async (known) => ({
        contentType: known.contentType,
        metrics: await known.metrics(),
      }))
      return { contentType, text: `${metrics}\n${histogram(all.values())}` }
    },
  }
}

async function processMetrics(): Promise<Registry> {
  const { collectDefaultMetrics, Registry } = await import('prom-client')
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  return registry
}

function observe(series: Series, seconds: number): void {
  const bucket = BUCKETS.findIndex((limit) => seconds <= limit)
  if (bucket >= 0) series.counts[bucket] = (series.counts[bucket] ?? 0) + 1
  series.sum += seconds
  series.total += 1
}

/** Each bucket counts everything below its limit, as Prometheus wants it. */
function histogram(all: Iterable<Series>): string {
  const lines = [`# HELP ${NAME} Time to answer, by route and status.`, `# TYPE ${NAME} histogram`]
  for (const { labels, counts, sum, total } of all) {
    let below = 0
    for (const [index, limit] of BUCKETS.entries()) {
      below += counts[index] ?? 0
      lines.push(`${NAME}_bucket{${labels},le="${limit}"} ${below}`)
    }
    lines.push(`${NAME}_bucket{${labels},le="+Inf"} ${total}`)
    lines.push(`${NAME}_sum{${labels}} ${sum}`, `${NAME}_count{${labels}} ${total}`)
  }
  return `${lines.join('\n')}\n`
}

function escaped(label: string): string {
  return label.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
