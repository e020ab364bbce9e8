import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import Type from '../../lib/schema.ts'
import type { Context } from '../../context.ts'
import { sendRanged } from '../../http/ranges.ts'
import { scopeOf } from '../../http/request.ts'
import { ProjectParams } from '../projects/projects.schema.ts'
import { getLoggedModel } from '../tracking/logged-models.service.ts'
import { getRun } from '../tracking/runs.service.ts'
import { artifactSize, joinPath, listArtifacts, openArtifact, ownArtifactPath } from './artifacts.service.ts'

const tags = ['tracking']

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
})

/** Files of runs and of logged models: what is there, and their bytes. */
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
    const root = ownArtifactPath(await rootUri(project.id, params.run ?? params.model ?? ''))
    const path = ((request.query as { path?: string }).path ?? '').replace(/\/+$/, '')
    return { projectId: project.id, path, whole: joinPath(root, path) }
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
            querystring: Type.Object({ path: Type.Optional(Type.String()) }),
            response: { 200: Listing },
          },
        },
        async (request) => {
          const { projectId, path, whole } = await located(request, rootUri)
          const entries = await listArtifacts(ctx, projectId, whole)
          return {
            path,
            entries: entries.map(({ name, isFolder, sizeBytes }) => ({
              name,
              path: joinPath(path, name),
              is_folder: isFolder,
              size_bytes: isFolder ? 0 : sizeBytes,
            })),
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
          const sizeBytes = await artifactSize(ctx, projectId, whole)
          return sendRanged(request, reply, {
            path,
            sizeBytes,
            sha256: null,
            open: (range) => openArtifact(ctx, projectId, whole, range),
          })
        },
      )
    }
  }
}
