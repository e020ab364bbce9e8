import { joinPath, listArtifacts, ownArtifactPath } from '../../artifacts/artifacts.service.ts'
import {
  createLoggedModel,
  deleteLoggedModel,
  finalizeLoggedModel,
  getLoggedModel,
  type LoggedModel,
  logLoggedModelParams,
  removeLoggedModelTag,
  setLoggedModelTags,
  valuesOfModels,
} from '../../tracking/logged-models.service.ts'
import { searchLoggedModels } from '../../tracking/logged-models-search.service.ts'
import { fileInfo } from './artifact-routes.ts'
import { loggedModelMessage } from './messages.ts'
import type { Rpc, RpcCall } from './rpc.ts'
import {
  keyValueList,
  messageList,
  optionalBoolean,
  optionalEnum,
  optionalInt,
  optionalString,
  required,
  requiredString,
  stringList,
} from './wire.ts'

const STATUSES = { LOGGED_MODEL_PENDING: 1, LOGGED_MODEL_READY: 2, LOGGED_MODEL_UPLOAD_FAILED: 3 } as const
const DEFAULT_PAGE = 100

const idOf = (call: RpcCall) => call.params.model_id ?? ''

async function whole({ ctx }: RpcCall, models: readonly LoggedModel[]): Promise<object[]> {
  const values = await valuesOfModels(
    ctx,
    models.map((model) => model.id),
  )
  return models.map((model) => loggedModelMessage(model, values.get(model.id)))
}

async function one(call: RpcCall, model: LoggedModel): Promise<object> {
  return { model: (await whole(call, [model]))[0] }
}

async function search(call: RpcCall): Promise<object> {
  const { ctx, project, message } = call
  required(message.experiment_ids ?? undefined, 'experiment_ids')
  const { models, nextPageToken } = await searchLoggedModels(ctx, project.id, {
    experimentIds: stringList(message, 'experiment_ids'),
    filter: optionalString(message, 'filter'),
    datasets: messageList(message, 'datasets').map((dataset, index) => ({
      name: requiredString(dataset, 'dataset_name', `datasets[${index}].dataset_name`),
      digest: optionalString(dataset, 'dataset_digest') || null,
    })),
    maxResults: optionalInt(message, 'max_results') || DEFAULT_PAGE,
    orderBy: messageList(message, 'order_by').map((order, index) => ({
      fieldName: requiredString(order, 'field_name', `order_by[${index}].field_name`),
      ascending: optionalBoolean(order, 'ascending') ?? true,
      datasetName: optionalString(order, 'dataset_name') || undefined,
      datasetDigest: optionalString(order, 'dataset_digest') || undefined,
    })),
    pageToken: optionalString(message, 'page_token'),
  })
  return { models: await whole(call, models), next_page_token: nextPageToken }
}

export const loggedModelHandlers: Rpc[] = [
  {
    methods: ['POST'],
    path: '/logged-models',
    permission: 'write',
    runToken: true,
    async handle(call) {
      const { ctx, actor, project, message } = call
      const model = await createLoggedModel(ctx, actor, project, {
        experimentId: requiredString(message, 'experiment_id'),
        name: optionalString(message, 'name'),
        modelType: optionalString(message, 'model_type'),
        sourceRunId: optionalString(message, 'source_run_id'),
        params: keyValueList(message, 'params'),
        tags: keyValueList(message, 'tags'),
      })
      return one(call, model)
    },
  },
  { methods: ['POST'], path: '/logged-models/search', permission: 'read', handle: search },
  {
    methods: ['GET'],
    path: '/logged-models/:model_id',
    permission: 'read',
    async handle(call) {
      const allowDeleted = optionalBoolean(call.message, 'allow_deleted') ?? false
      return one(call, await getLoggedModel(call.ctx, call.project.id, idOf(call), { allowDeleted }))
    },
  },
  {
    methods: ['PATCH'],
    path: '/logged-models/:model_id',
    permission: 'write',
    runToken: true,
    async handle(call) {
      const status = required(optionalEnum(call.message, 'status', STATUSES), 'status')
      return one(call, await finalizeLoggedModel(call.ctx, call.actor, call.project, idOf(call), status))
    },
  },
  {
    methods: ['DELETE'],
    path: '/logged-models/:model_id',
    permission: 'write',
    runToken: true,
    async handle(call) {
      await deleteLoggedModel(call.ctx, call.actor, call.project, idOf(call))
      return {}
    },
  },
  {
    methods: ['PATCH'],
    path: '/logged-models/:model_id/tags',
    permission: 'write',
    runToken: true,
    async handle(call) {
      const tags = keyValueList(call.message, 'tags')
      await setLoggedModelTags(call.ctx, call.actor, call.project, idOf(call), tags)
      return {}
    },
  },
  {
    methods: ['DELETE'],
    path: '/logged-models/:model_id/tags/:tag_key',
    permission: 'write',
    runToken: true,
    async handle(call) {
      await removeLoggedModelTag(call.ctx, call.actor, call.project, idOf(call), call.params.tag_key ?? '')
      return {}
    },
  },
  {
    methods: ['POST'],
    path: '/logged-models/:model_id/params',
    permission: 'write',
    runToken: true,
    async handle(call) {
      await logLoggedModelParams(call.ctx, call.actor, call.project, idOf(call), keyValueList(call.message, 'params'))
      return {}
    },
  },
  {
    methods: ['GET'],
    path: '/logged-models/:model_id/artifacts/directories',
    permission: 'read',
    async handle(call) {
      const { ctx, project, message } = call
      const model = await getLoggedModel(ctx, project.id, idOf(call))
      const path = (optionalString(message, 'artifact_directory_path') ?? '').replace(/\/+$/, '')
      const entries = await listArtifacts(ctx, project.id, joinPath(ownArtifactPath(model.artifactUri), path))
      return { root_uri: model.artifactUri, files: entries.map((entry) => fileInfo(joinPath(path, entry.name), entry)) }
    },
  },
]
