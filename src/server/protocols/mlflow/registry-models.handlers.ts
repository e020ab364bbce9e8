import type { Context } from '../../../context.ts'
import { AppError, badRequest } from '../../../lib/errors.ts'
import { removeAlias, setAlias } from '../../registry/aliases.service.ts'
import {
  createModel,
  deleteModel,
  describeModel,
  getModel,
  type RegisteredModel,
  removeModelTag,
  renameModel,
  setModelTag,
} from '../../registry/models.service.ts'
import { canonicalStage } from '../../registry/names.ts'
import { searchModels } from '../../registry/search.service.ts'
import { findModelVersion, latestVersions, latestVersionsOf } from '../../registry/versions.service.ts'
import { modelMessage, versionMessage } from './registry-wire.ts'
import type { Rpc } from './rpc.ts'
import { keyValueList, optionalInt, optionalString, requiredString, stringList } from './wire.ts'

const SEARCH_DEFAULT = 100
const SEARCH_MAX = 1000

async function answer(ctx: Context, model: RegisteredModel): Promise<object> {
  const latest = await latestVersionsOf(ctx, [model.id])
  return { registered_model: modelMessage(model, latest.get(model.id) ?? []) }
}

/** Registered models, their tags and aliases (contracts/mlflow.md §8). */
export const modelHandlers: Rpc[] = [
  {
    methods: ['POST'],
    path: '/registered-models/create',
    permission: 'write',
    runToken: true,
    handle: async ({ ctx, actor, project, message }) => {
      const name = requiredString(message, 'name')
      const description = optionalString(message, 'description')
      return answer(
        ctx,
        await createModel(ctx, actor, project, { name, description, tags: keyValueList(message, 'tags') }),
      )
    },
  },
  {
    methods: ['GET'],
    path: '/registered-models/get',
    permission: 'read',
    handle: async ({ ctx, project, message }) =>
      answer(ctx, await getModel(ctx, project.id, requiredString(message, 'name'))),
  },
  {
    methods: ['POST'],
    path: '/registered-models/rename',
    permission: 'write',
    handle: async ({ ctx, actor, project, message }) =>
      answer(
        ctx,
        await renameModel(ctx, actor, project, requiredString(message, 'name'), requiredString(message, 'new_name')),
      ),
  },
  {
    methods: ['PATCH'],
    path: '/registered-models/update',
    permission: 'write',
    handle: async ({ ctx, actor, project, message }) => {
      const description = optionalString(message, 'description') ?? ''
      return answer(ctx, await describeModel(ctx, actor, project, requiredString(message, 'name'), description))
    },
  },
  {
    methods: ['DELETE'],
    path: '/registered-models/delete',
    permission: 'write',
    handle: async ({ ctx, actor, project, message }) => {
      await deleteModel(ctx, actor, project, requiredString(message, 'name'))
      return {}
    },
  },
  {
    methods: ['GET'],
    path: '/registered-models/search',
    permission: 'read',
    handle: async ({ ctx, project, message }) => {
      const { models, nextPageToken } = await searchModels(ctx, project.id, {
        filter: optionalString(message, 'filter'),
        orderBy: stringList(message, 'order_by'),
        maxResults: pageSize(optionalInt(message, 'max_results'), SEARCH_DEFAULT, SEARCH_MAX),
        pageToken: optionalString(message, 'page_token'),
      })
      const latest = await latestVersionsOf(
        ctx,
        models.map((model) => model.id),
      )
      return {
        registered_models: models.map((model) => modelMessage(model, latest.get(model.id) ?? [])),
        next_page_token: nextPageToken,
      }
    },
  },
  {
    methods: ['POST', 'GET'],
    path: '/registered-models/get-latest-versions',
    permission: 'read',
    handle: async ({ ctx, project, message }) => {
      const stages = stringList(message, 'stages').map(canonicalStage)
      const versions = await latestVersions(ctx, project.id, requiredString(message, 'name'), stages)
      return { model_versions: versions.map(versionMessage) }
    },
  },
  {
    methods: ['POST'],
    path: '/registered-models/set-tag',
    permission: 'write',
    handle: async ({ ctx, actor, project, message }) => {
      const value = optionalString(message, 'value') ?? ''
      await setModelTag(ctx, actor, project, requiredString(message, 'name'), requiredString(message, 'key'), value)
      return {}
    },
  },
  {
    methods: ['DELETE'],
    path: '/registered-models/delete-tag',
    permission: 'write',
    handle: async ({ ctx, actor, project, message }) => {
      await removeModelTag(ctx, actor, project, requiredString(message, 'name'), requiredString(message, 'key'))
      return {}
    },
  },
  {
    methods: ['POST'],
    path: '/registered-models/alias',
    permission: 'write',
    runToken: true,
    handle: async ({ ctx, actor, project, message }) => {
      const name = requiredString(message, 'name')
      await setAlias(ctx, actor, project, name, requiredString(message, 'alias'), requiredString(message, 'version'))
      return {}
    },
  },
  {
    methods: ['DELETE'],
    path: '/registered-models/alias',
    permission: 'write',
    runToken: true,
    handle: async ({ ctx, actor, project, message }) => {
      await removeAlias(ctx, actor, project, requiredString(message, 'name'), requiredString(message, 'alias'))
      return {}
    },
  },
  {
    methods: ['GET'],
    path: '/registered-models/alias',
    permission: 'read',
    handle: async ({ ctx, project, message }) => {
      const name = requiredString(message, 'name')
      const alias = requiredString(message, 'alias')
      await getModel(ctx, project.id, name)
      try {
        return { model_version: versionMessage(await findModelVersion(ctx, project.id, name, { alias })) }
      } catch (error) {
        // Clients tell a missing alias from a missing model by this name and status.
        if (error instanceof AppError && error.code === 'not_found' && alias.toLowerCase() !== 'latest') {
          throw badRequest(`Registered model alias ${alias} not found.`, 'alias')
        }
        throw error
      }
    },
  },
]

/** A page size within its limits. @throws AppError bad_request */
export function pageSize(value: number | undefined, usual: number, max: number): number {
  const size = value ?? usual
  if (size < 1 || size > max) {
    throw badRequest(
      `Invalid value ${size} for parameter 'max_results' supplied. It must be at least 1 and at most ${max}.`,
      'max_results',
    )
  }
  return size
}
