import type { FastifyInstance } from 'fastify'
import type { Context } from '../../../context.ts'
import { sendDownload } from '../../../http/download.ts'
import { scopeOf } from '../../../http/request.ts'
import { badRequest } from '../../../lib/errors.ts'
import { searchVersions } from '../../registry/search.service.ts'
import { transitionStage } from '../../registry/stages.service.ts'
import {
  deleteVersion,
  describeVersion,
  removeVersionTag,
  setVersionTag,
} from '../../registry/version-changes.service.ts'
import { openVersionFile } from '../../registry/version-files.service.ts'
import { createModelVersion, findModelVersion } from '../../registry/versions.service.ts'
import { pageSize } from './registry-models.handlers.ts'
import { versionMessage } from './registry-wire.ts'
import type { Rpc } from './rpc.ts'
import { keyValueList, optionalBoolean, optionalInt, optionalString, requiredString, stringList } from './wire.ts'

const SEARCH_DEFAULT = 10_000
const SEARCH_MAX = 200_000

/** `name` and `version` of nearly every call; the version is checked by the service. */
function which(message: Record<string, unknown>): [name: string, version: string] {
  return [requiredString(message, 'name'), requiredString(message, 'version')]
}

/** Model versions, their tags and stages (contracts/mlflow.md §8). */
export const versionHandlers: Rpc[] = [
  {
    methods: ['POST'],
    path: '/model-versions/create',
    permission: 'write',
    runToken: true,
    handle: async ({ ctx, actor, project, message }) => {
      const version = await createModelVersion(ctx, actor, project, {
        name: requiredString(message, 'name'),
        source: requiredString(message, 'source'),
        runId: optionalString(message, 'run_id'),
        loggedModelId: optionalString(message, 'model_id'),
        runLink: optionalString(message, 'run_link'),
        description: optionalString(message, 'description'),
        tags: keyValueList(message, 'tags'),
        inferLineage: false,
      })
      return { model_version: versionMessage(version) }
    },
  },
  {
    methods: ['GET'],
    path: '/model-versions/get',
    permission: 'read',
    handle: async ({ ctx, project, message }) => {
      const [name, version] = which(message)
      return { model_version: versionMessage(await findModelVersion(ctx, project.id, name, { version })) }
    },
  },
  {
    methods: ['PATCH'],
    path: '/model-versions/update',
    permission: 'write',
    runToken: true,
    handle: async ({ ctx, actor, project, message }) => {
      const description = optionalString(message, 'description') ?? ''
      return {
        model_version: versionMessage(await describeVersion(ctx, actor, project, ...which(message), description)),
      }
    },
  },
  {
    methods: ['DELETE'],
    path: '/model-versions/delete',
    permission: 'write',
    handle: async ({ ctx, actor, project, message }) => {
      await deleteVersion(ctx, actor, project, ...which(message))
      return {}
    },
  },
  {
    methods: ['GET'],
    path: '/model-versions/search',
    permission: 'read',
    handle: async ({ ctx, project, message }) => {
      const { versions, nextPageToken } = await searchVersions(ctx, project.id, {
        filter: optionalString(message, 'filter'),
        orderBy: stringList(message, 'order_by'),
        maxResults: pageSize(optionalInt(message, 'max_results'), SEARCH_DEFAULT, SEARCH_MAX),
        pageToken: optionalString(message, 'page_token'),
      })
      return { model_versions: versions.map(versionMessage), next_page_token: nextPageToken }
    },
  },
  {
    methods: ['GET'],
    path: '/model-versions/get-download-uri',
    permission: 'read',
    handle: async ({ ctx, project, message }) => {
      const [name, version] = which(message)
      return { artifact_uri: (await findModelVersion(ctx, project.id, name, { version })).downloadUri }
    },
  },
  {
    methods: ['POST'],
    path: '/model-versions/transition-stage',
    permission: 'write',
    runToken: true,
    handle: async ({ ctx, actor, project, message }) => {
      const archive = optionalBoolean(message, 'archive_existing_versions') ?? false
      const stage = requiredString(message, 'stage')
      return {
        model_version: versionMessage(await transitionStage(ctx, actor, project, ...which(message), stage, archive)),
      }
    },
  },
  {
    methods: ['POST'],
    path: '/model-versions/set-tag',
    permission: 'write',
    runToken: true,
    handle: async ({ ctx, actor, project, message }) => {
      const value = optionalString(message, 'value') ?? ''
      await setVersionTag(ctx, actor, project, ...which(message), requiredString(message, 'key'), value)
      return {}
    },
  },
  {
    methods: ['DELETE'],
    path: '/model-versions/delete-tag',
    permission: 'write',
    runToken: true,
    handle: async ({ ctx, actor, project, message }) => {
      await removeVersionTag(ctx, actor, project, ...which(message), requiredString(message, 'key'))
      return {}
    },
  },
]

/** `/model-versions/get-artifact?name=&version=&path=`: one file of a version, as a download. */
export function versionFileRoute(app: FastifyInstance, ctx: Context): void {
  app.get<{ Querystring: { name?: string; version?: string; path?: string } }>(
    '/model-versions/get-artifact',
    { config: { permission: 'read', door: true }, schema: { hide: true } },
    async (request, reply) => {
      const { project } = scopeOf(request)
      const { name, version, path } = request.query
      if (typeof name !== 'string' || typeof version !== 'string' || typeof path !== 'string') {
        throw badRequest('name, version and path are needed, each once.')
      }
      const found = await findModelVersion(ctx, project.id, name, { version })
      const { stream, sizeBytes } = await openVersionFile(ctx, found, path)
      return sendDownload(reply, stream, path, sizeBytes)
    },
  )
}
