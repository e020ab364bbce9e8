import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Context } from '../../context.ts'
import { sendArchive } from '../../http/download.ts'
import { sendRanged } from '../../http/ranges.ts'
import { scopeOf } from '../../http/request.ts'
import Type from '../../lib/schema.ts'
import { ProjectParams } from '../projects/projects.schema.ts'
import { getLoggedModel } from '../tracking/logged-models.service.ts'
import { getRun } from '../tracking/runs.service.ts'
import { zipArtifacts } from './archive.service.ts'
import { findArtifact, joinPath, listArtifactPage, openArtifactFile, ownArtifactPath } from './artifacts.service.ts'

const tags = ['tracking']
const MAX_LIMIT = 10_000

const Listing = Type.Object({
  path: Type.String(),
  entries: Type.Array(
    Type.Object({
      name: Type.String(),
      path: Type.String({ description: 'Below the root of the run or model.' }),
      is_folder: Type.Boolean(),
      size_bytes: Type.Integer(),
    }),
  ),
  next: Type.Union([Type.String(), Type.Null()], {
    description: 'Give it as `after` for the next page; null after the last.',
  }),
})

/** Files of runs and of logged models: what is there, their bytes, and a whole folder as a zip. */
export function artifactsRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  const kinds = [
    {
      url: '/projects/:owner/:project/runs/:run/artifacts',
      what: 'run',
      params: Type.Object({ ...ProjectParams.properties, run: Type.String() }),
      rootUri: async (projectId: string, id: string) => (await getRun(ctx, projectId, id)).artifactUri,
    },
    {
      url: '/projects/:owner/:project/logged-models/:model/artifacts',
      what: 'logged model',
      params: Type.Object({ ...ProjectParams.properties, model: Type.String() }),
      rootUri: async (projectId: string, id: string) => (await getLoggedModel(ctx, projectId, id)).artifactUri,
    },
  ]

  /** The folder of the run or model of the URL, and the client's path below it. */
  const located = async (request: FastifyRequest, rootUri: (projectId: string, id: string) => Promise<string>) => {
    const params = request.params as { run?: string; model?: string }
    const { project } = scopeOf(request)
    const id = params.run ?? params.model ?? ''
    const root = ownArtifactPath(await rootUri(project.id, id))
    const path = ((request.query as { path?: string }).path ?? '').replace(/\/+$/, '')
    return { projectId: project.id, id, path, whole: joinPath(root, path) }
  }

  return async (app) => {
    for (const { url, what, params, rootUri } of kinds) {
      app.get(
        url,
        {
          config: { permission: 'read' },
          schema: {
            tags,
            summary: `List a folder of a ${what}'s files`,
            params,
            querystring: Type.Object({
              path: Type.Optional(Type.String()),
              after: Type.Optional(Type.String({ description: 'Last name of the page before.' })),
              limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_LIMIT })),
            }),
            response: { 200: Listing },
          },
        },
        async (request) => {
          const { projectId, path, whole } = await located(request, rootUri)
          const { after = null, limit = MAX_LIMIT } = request.query
          const { entries, next } = await listArtifactPage(ctx, projectId, whole, { after, limit })
          return {
            path,
            entries: entries.map(({ name, isFolder, sizeBytes }) => ({
              name,
              path: joinPath(path, name),
              is_folder: isFolder,
              size_bytes: sizeBytes,
            })),
            next,
          }
        },
      )

      app.get(
        `${url}/content`,
        {
          config: { permission: 'read' },
          exposeHeadRoute: false,
          schema: {
            tags,
            summary: `Download a ${what}'s file`,
            params,
            querystring: Type.Object({ path: Type.String() }),
          },
        },
        async (request: FastifyRequest, reply: FastifyReply) => {
          const { projectId, path, whole } = await located(request, rootUri)
          const file = await findArtifact(ctx, projectId, whole)
          return sendRanged(request, reply, {
            path,
            sizeBytes: file.sizeBytes,
            sha256: file.sha256,
            tag: file.objectId,
            open: (range) => openArtifactFile(ctx, file, range),
          })
        },
      )

      app.get(
        `${url}/archive`,
        {
          config: { permission: 'read' },
          exposeHeadRoute: false,
          schema: {
            tags,
            summary: `Download a folder of a ${what}'s files as a zip`,
            params,
            querystring: Type.Object({ path: Type.Optional(Type.String()) }),
          },
        },
        async (request: FastifyRequest, reply: FastifyReply) => {
          const { projectId, id, path, whole } = await located(request, rootUri)
          const { stream, sizeBytes } = await zipArtifacts(ctx, projectId, whole)
          return sendArchive(reply, stream, `${path.split('/').at(-1) || id}.zip`, sizeBytes)
        },
      )
    }
  }
}
