import type { FastifyInstance } from 'fastify'
import type { Context } from '../../../context.ts'
import { encode } from './wire.ts'

/** The MLflow whose protocol this door speaks; clients choose what they call by it. */
export const MLFLOW_VERSION = '3.17.2'

/**
 * What clients ask about the server before they use an optional part of the protocol. True is said of what works here and
 * of nothing else: a client that believes a flag fails when it is wrong.
 */
function serverInfo(ctx: Context): object {
  return {
    store_type: 'SqlStore',
    workspaces_enabled: true,
    trace_archival_enabled: false,
    // Uploads and downloads in parts: transfer-routes.ts.
    multipart_uploads_enabled: ctx.config.presignedTransfers,
    multipart_downloads_enabled: ctx.config.presignedTransfers,
    presigned_upload_run_id_supported: false,
    presigned_upload_model_id_supported: false,
    features_enabled: { gateway: false },
  }
}

/**
 * `/version` and server-info. As in MLflow they need no login and look at no project, so that a client whose workspace does
 * not exist learns that workspaces do.
 */
export function serverInfoRoutes(app: FastifyInstance, ctx: Context): void {
  const options = { config: { permission: 'public' as const, door: true }, schema: { hide: true } }
  app.get('/version', options, async (_request, reply) => reply.type('text/plain').send(MLFLOW_VERSION))
  for (const root of ['/api/3.0', '/ajax-api/3.0']) {
    app.get(`${root}/mlflow/server-info`, options, async (_request, reply) =>
      reply.type('application/json').send(encode(serverInfo(ctx))),
    )
  }
}
