import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Context } from '../../context.ts'
import { acceptRawBodies, RAW_BODY, withRawBody } from '../../http/raw-body.ts'
import { scopeOf } from '../../http/request.ts'
import { ProjectParams } from '../projects/projects.schema.ts'
import { missingContent, storeContent } from './content.service.ts'
import { Blob, BlobParams, MissingAnswer, MissingQuestion } from './datasets.schema.ts'

const tags = ['datasets']

/** Content before it belongs to anything: dataset files and code are sent here first, each once, found by their hash. */
export function blobsRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/projects/:owner/:project/blobs/missing',
      {
        config: { permission: 'write' },
        schema: {
          tags,
          summary: 'Which content must still be uploaded',
          params: ProjectParams,
          body: MissingQuestion,
          response: { 200: MissingAnswer },
        },
      },
      async (request) => ({ missing: await missingContent(ctx, scopeOf(request).project.id, request.body.sha256) }),
    )

    await app.register(async (uploads) => {
      acceptRawBodies(uploads)
      uploads.put(
        '/projects/:owner/:project/blobs/:sha256',
        {
          config: { permission: 'write' },
          schema: {
            tags,
            summary: 'Upload content, checked against its hash',
            params: BlobParams,
            body: RAW_BODY,
            response: { 201: Blob },
          },
        },
        async (request, reply) => {
          const { sha256 } = request.params as { sha256: string }
          const stored = await withRawBody(request, (source) =>
            storeContent(ctx, scopeOf(request).project, source, sha256),
          )
          return reply.code(201).send({ sha256: stored.sha256, size_bytes: stored.sizeBytes })
        },
      )
    })
  }
}
