import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Context } from '../../../context.ts'
import { sendJsonText } from '../../../http/json-text.ts'
import { scopeOf } from '../../../http/request.ts'
import { type EventStream, openEventStream } from '../../../http/sse.ts'
import Type from '../../../lib/schema.ts'
import { ProjectParams } from '../../projects/projects.schema.ts'
import { getRun } from '../runs.service.ts'
import { RunParams } from '../tracking.schema.ts'
import { seriesText } from './charts.reads.ts'
import { type Cursor, decodeCursor, encodeCursor, newestCursor, pointsBehind } from './live.service.ts'
import * as schema from './metrics.schema.ts'
import type { PlainPoint } from './summary.ts'

const tags = ['tracking']
const base = '/projects/:owner/:project'
/** How often a viewer's metrics are looked at: one read of as many rows as it has keys when nothing is new. */
const LOOK_EVERY_MS = 1_000

function pointBody({ step, timestampMs, value }: PlainPoint): [number, number, number | null] {
  return [step, timestampMs, Number.isNaN(value) ? null : value]
}

/** Metrics for charts: of many runs at once, and as they come in. */
export function metricsRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      `${base}/metrics/series`,
      {
        config: { permission: 'read', runToken: true },
        schema: {
          tags,
          summary: 'One metric of up to 500 runs, thinned for a chart',
          params: ProjectParams,
          body: schema.SeriesQuery,
          response: { 200: schema.SeriesBody },
        },
      },
      async (request, reply) => {
        const { key, runs, max_points } = request.body
        const text = await ctx.reads.ask(ctx.db, seriesText, {
          projectId: scopeOf(request).project.id,
          runIds: [...new Set(runs)],
          key,
          maxPoints: max_points ?? 500,
        })
        return sendJsonText(reply, text)
      },
    )

    app.get(
      `${base}/runs/:run/metrics/stream`,
      {
        config: { permission: 'read' },
        schema: {
          tags,
          summary: 'New points of some metrics of a run as server-sent events, from now or from a cursor on',
          params: RunParams,
          querystring: schema.LiveQuery,
          response: { 200: Type.Unknown() },
        },
      },
      async (request, reply) => {
        const { project } = scopeOf(request)
        const run = await getRun(ctx, project.id, request.params.run)
        const keys = [...new Set(request.query.key)]
        const last = request.query.cursor ?? String(request.headers['last-event-id'] ?? '')
        const cursor = decodeCursor(last, keys) ?? (await newestCursor(ctx, run.id, keys))
        follow(ctx, openEventStream(request, reply), run.id, cursor)
      },
    )
  }
}

/** Sends `points` events until the reader leaves: each has the new points of one metric, and as its id the cursor. */
function follow(ctx: Context, stream: EventStream, runId: string, from: Cursor): void {
  let cursor = from
  let timer: NodeJS.Timeout | undefined
  let isOpen = true
  const look = async (): Promise<void> => {
    try {
      const { fresh, cursor: next } = await pointsBehind(ctx, runId, cursor)
      cursor = next
      const id = encodeCursor(cursor)
      for (const [index, { key, points }] of fresh.entries()) {
        // The cursor is behind all of them: it comes with the last.
        stream.send('points', { key, points: points.map(pointBody) }, index === fresh.length - 1 ? id : undefined)
      }
    } catch (error) {
      ctx.log.warn({ err: error }, 'new points were not read; the next look tries again')
    }
    if (isOpen) timer = setTimeout(look, LOOK_EVERY_MS)
  }
  stream.onClose(() => {
    isOpen = false
    clearTimeout(timer)
  })
  void look()
}
