import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openBlobStore } from './blobs/open.ts'
import { blobSettings, type Config, isLoopback } from './config.ts'
import type { Context } from './context.ts'
import { migrate } from './db/migrate.ts'
import { markRights, openDatabase, rightsMark } from './db/open.ts'
import { createReadThreads } from './db/read-threads.ts'
import { createWriteThread } from './db/write-thread.ts'
import { installMetrics } from './http/metrics.ts'
import { type App, createServer } from './http/server.ts'
import { closeEventStreams } from './http/sse.ts'
import { installWebUi } from './http/static.ts'
import { systemRoutes } from './http/system.routes.ts'
import { createLog } from './lib/log.ts'
import { createMemo } from './lib/memo.ts'
import { PACKAGE_ROOT } from './lib/package-root.ts'
import { adoptNamedFiles } from './server/artifacts/adopt.service.ts'
import { artifactsRoutes } from './server/artifacts/artifacts.routes.ts'
import { ARTIFACT_TASKS } from './server/artifacts/uploads.service.ts'
import { blobsRoutes } from './server/datasets/blobs.routes.ts'
import { datasetsRoutes } from './server/datasets/datasets.routes.ts'
import { createTableEngine } from './server/datasets/engine.ts'
import { profileVersion } from './server/datasets/profiles.service.ts'
import { auditRoutes } from './server/events/audit.routes.ts'
import { createBus } from './server/events/bus.ts'
import { eventsRoutes } from './server/events/events.routes.ts'
import { startTaskLoop, type TaskHandlers } from './server/events/tasks.service.ts'
import { webhooksRoutes } from './server/events/webhooks.routes.ts'
import { WEBHOOK_TASKS } from './server/events/webhooks-delivery.service.ts'
import { identityRoutes } from './server/identity/identity.routes.ts'
import { adminExists } from './server/identity/identity.service.ts'
import { createLogins } from './server/identity/logins.ts'
import { DECISION_TASKS } from './server/monitoring/challenge.service.ts'
import { evaluateTask } from './server/monitoring/evaluation.service.ts'
import { monitoringRoutes } from './server/monitoring/monitoring.routes.ts'
import { retrainingFinished } from './server/monitoring/retraining.service.ts'
import { projectsRoutes } from './server/projects/projects.routes.ts'
import { oipRoutes } from './server/protocols/inference/oip.routes.ts'
import { scoringRoutes } from './server/protocols/inference/scoring.routes.ts'
import { mlflowDoor } from './server/protocols/mlflow/door.ts'
import { stacRoutes } from './server/protocols/stac/stac.routes.ts'
import { reclaimRoutes, recyclingRoutes } from './server/recycling/recycling.routes.ts'
import { startTidying } from './server/recycling/retention.service.ts'
import { RECYCLING_TASKS } from './server/recycling/tasks.ts'
import { conversionFinished } from './server/registry/forms.service.ts'
import { registryRoutes } from './server/registry/registry.routes.ts'
import { endpointsRoutes } from './server/serving/endpoints.routes.ts'
import { createModelPool } from './server/serving/pool.ts'
import { predictionsRoutes } from './server/serving/predictions.routes.ts'
import { tracesRoutes } from './server/traces/traces.routes.ts'
import { startLostRunWatch } from './server/tracking/lost-runs.service.ts'
import { startMetricKeeper } from './server/tracking/metrics/keeper.ts'
import { metricsRoutes } from './server/tracking/metrics/metrics.routes.ts'
import { runColumnsRoutes } from './server/tracking/run-columns.routes.ts'
import { trackingRoutes } from './server/tracking/tracking.routes.ts'
import { jobsRoutes } from './server/training/jobs.routes.ts'
import { jobById } from './server/training/jobs.service.ts'
import { registerTrainedModel } from './server/training/register.service.ts'
import { createJobRunner } from './server/training/runner.ts'

export const VERSION: string = (
  JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8')) as { version: string }
).version

/** Another replica on the same PostgreSQL takes this long to learn that a token was revoked. */
const ACCESS_TTL_MS = 1_000

/**
 * Everything that is built once: the database at this program's schema, the stores, the workers (not yet started).
 * `sweep` removes the temporary files of a killed server: not while another process serves the same folder.
 */
export async function buildContext(config: Config, options: { sweep: boolean } = { sweep: true }): Promise<Context> {
  const log = createLog(config.logLevel)
  const db = openDatabase(config.databaseUrl)
  await migrate(db)
  const blobs = await openBlobStore(blobSettings(config), options)
  const ctx: Context = {
    config,
    db,
    blobs,
    bus: createBus(db),
    reads: createReadThreads(config.databaseUrl),
    writer: createWriteThread(config.databaseUrl, log),
    access: createMemo(ACCESS_TTL_MS, Date.now, { read: () => rightsMark(db), change: () => markRights(db) }),
    logins: createLogins(Date.now),
    runner: createJobRunner(),
    models: createModelPool(config),
    tables: createTableEngine(config),
    log,
    now: Date.now,
  }
  await adoptNamedFiles(ctx, blobSettings(config).root)
  return ctx
}

export async function closeContext(ctx: Context): Promise<void> {
  await ctx.models.close()
  await ctx.tables.close()
  await ctx.reads.close()
  await ctx.writer.close()
  await ctx.db.destroy()
}

/** What is done after a change, by kind of task. Each room adds its own. */
const TASKS: TaskHandlers = {
  ...ARTIFACT_TASKS,
  ...DECISION_TASKS,
  ...RECYCLING_TASKS,
  'monitoring.evaluate': evaluateTask,
  'datasets.profile': profileVersion,
  'job.finished': async (ctx, payload) => {
    const job = await jobById(ctx, String(payload.job_id))
    // First: what follows looks for the version that the job made.
    await registerTrainedModel(ctx, job)
    await conversionFinished(ctx, job)
    await retrainingFinished(ctx, job)
  },
}

/** Every route of the house, in the order of a model's life. */
export async function buildApp(ctx: Context): Promise<App> {
  const app = await createServer(ctx, VERSION)
  const metrics = installMetrics(app)
  await app.register(systemRoutes(ctx, VERSION, metrics))
  await app.register(
    async (api) => {
      await api.register(identityRoutes(ctx))
      await api.register(projectsRoutes(ctx))
      await api.register(eventsRoutes(ctx))
      await api.register(auditRoutes(ctx))
      await api.register(webhooksRoutes(ctx))
      await api.register(trackingRoutes(ctx))
      await api.register(runColumnsRoutes(ctx))
      await api.register(metricsRoutes(ctx))
      await api.register(tracesRoutes(ctx))
      await api.register(artifactsRoutes(ctx))
      await api.register(blobsRoutes(ctx))
      await api.register(datasetsRoutes(ctx))
      await api.register(registryRoutes(ctx))
      await api.register(recyclingRoutes(ctx))
      await api.register(reclaimRoutes(ctx))
      await api.register(jobsRoutes(ctx))
      await api.register(endpointsRoutes(ctx))
      await api.register(predictionsRoutes(ctx))
      await api.register(monitoringRoutes(ctx))
      api.get('/openapi.json', { config: { permission: 'public' }, schema: { hide: true } }, async () => app.openApi())
    },
    { prefix: '/api/v1' },
  )
  await app.register(mlflowDoor(ctx))
  await app.register(scoringRoutes(ctx), { prefix: '/endpoints/:owner/:project/:endpoint' })
  await app.register(oipRoutes(ctx, VERSION), { prefix: '/endpoints/:owner/:project/:endpoint/v2' })
  await app.register(stacRoutes(ctx), { prefix: '/api/stac' })
  await installWebUi(app, ctx.config.basePath)
  return app
}

export type RunningServer = { app: App; ctx: Context; url: string; close(): Promise<void> }

/**
 * Starts a whole server: context, routes, workers, listener.
 * @throws Error with a sentence for the user when the address needs accounts and there are none, or is taken
 */
export async function startServer(config: Config): Promise<RunningServer> {
  const ctx = await buildContext(config)
  try {
    if (!isLoopback(config.host) && !config.insecure && !(await adminExists(ctx))) {
      throw new Error(
        `Refusing to listen on ${config.host} without an admin account: everybody who can connect could do everything.\n` +
          'Make one first:  npm run -s trainyard -- users add NAME --admin --password-stdin\n' +
          'or, if that is what you want, add --insecure.',
      )
    }
    const app = await buildApp(ctx)
    await app.listen({ host: config.host, port: config.port })
    await ctx.bus.start()
    const tasks = await startTaskLoop(ctx, TASKS, WEBHOOK_TASKS)
    const keeper = startMetricKeeper(ctx)
    const tidying = await startTidying(ctx)
    const lostRunWatch = startLostRunWatch(ctx)
    const address = app.server.address()
    const port = typeof address === 'object' && address !== null ? address.port : config.port
    const host = config.host.includes(':') ? `[${config.host}]` : config.host
    // Jobs of this machine reach the server without leaving it, also when it listens on every address.
    const near = config.host === '0.0.0.0' || config.host === '::' ? '127.0.0.1' : host
    await ctx.runner.start(ctx, `http://${near}:${port}${config.basePath}`)
    return {
      app,
      ctx,
      url: config.publicUrl !== '' ? config.publicUrl : `http://${host}:${port}${config.basePath}`,
      async close() {
        closeEventStreams()
        // An answer may still be on its way when idle connections are closed; its connection would stay for its keep-alive time.
        const sweep = setInterval(() => app.server.closeIdleConnections(), 100)
        await app.close().finally(() => clearInterval(sweep))
        // Before the tasks are waited for: a profile may need minutes, and is taken up again by the next server.
        await ctx.tables.close()
        tidying()
        await lostRunWatch()
        await tasks.stop()
        await keeper.stop()
        await ctx.runner.stop()
        await ctx.bus.stop()
        await closeContext(ctx)
      },
    }
  } catch (error) {
    await closeContext(ctx)
    throw error
  }
}
