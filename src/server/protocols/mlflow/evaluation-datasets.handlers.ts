import { badRequest } from '../../../lib/errors.ts'
import {
  changeExperiments,
  createEvaluationDataset,
  deleteEvaluationDataset,
  type EvaluationDataset,
  getEvaluationDataset,
  tagEvaluationDataset,
  untagEvaluationDataset,
} from '../../traces/evaluation-datasets.service.ts'
import {
  deleteEvaluationRecords,
  evaluationRecords,
  RECORDS_PER_REQUEST,
  upsertRecords,
} from '../../traces/evaluation-records.service.ts'
import { parseRecords, parseTags } from '../../traces/evaluation-records.ts'
import { searchEvaluationDatasets } from '../../traces/evaluation-search.service.ts'
import type { Rpc, RpcCall } from './rpc.ts'
import { type Message, optionalInt, optionalString, requiredString, stringList } from './wire.ts'

const PAGE = { default: 1_000, datasets: 1_000, records: 5_000 } as const
const version = '3.0' as const
const idOf = (call: RpcCall) => call.params.dataset_id ?? ''

function datasetMessage(dataset: EvaluationDataset): object {
  return {
    dataset_id: dataset.id,
    name: dataset.name,
    tags: JSON.stringify(dataset.tags),
    schema: dataset.schema ?? undefined,
    profile: dataset.profile ?? undefined,
    digest: dataset.digest,
    created_time: dataset.created_at_ms,
    last_update_time: dataset.updated_at_ms,
    created_by: dataset.created_by ?? undefined,
    last_updated_by: dataset.updated_by ?? undefined,
    experiment_ids: dataset.experimentIds.length === 0 ? undefined : dataset.experimentIds,
  }
}

function limitOf(message: Message, most: number): number {
  const limit = optionalInt(message, 'max_results') || PAGE.default
  if (limit < 1 || limit > most)
    throw badRequest(
      `Invalid value ${limit} for parameter 'max_results' supplied. It must be 1 to ${most}.`,
      'max_results',
    )
  return limit
}

function tokenOf(message: Message): { token?: string } {
  const token = optionalString(message, 'page_token')
  return token === undefined ? {} : { token }
}

async function search({ ctx, project, message }: RpcCall): Promise<object> {
  const filter = optionalString(message, 'filter_string')
  const { datasets, nextPageToken } = await searchEvaluationDatasets(ctx, project.id, {
    experimentIds: stringList(message, 'experiment_ids'),
    orderBy: stringList(message, 'order_by'),
    limit: limitOf(message, PAGE.datasets),
    ...(filter === undefined ? {} : { filter }),
    ...tokenOf(message),
  })
  return { datasets: datasets.map(datasetMessage), next_page_token: nextPageToken ?? undefined }
}

const experimentChange = (how: 'add' | 'remove'): Rpc => ({
  methods: ['POST'],
  path: `/datasets/:dataset_id/${how}-experiments`,
  version,
  permission: 'write',
  async handle(call) {
    const { ctx, actor, project, message } = call
    const ids = stringList(message, 'experiment_ids')
    return { dataset: datasetMessage(await changeExperiments(ctx, actor, project, idOf(call), how, ids)) }
  },
})

const recordHandlers: Rpc[] = [
  {
    methods: ['POST'],
    path: '/datasets/:dataset_id/records',
    version,
    permission: 'write',
    async handle(call) {
      const records = parseRecords(requiredString(call.message, 'records'), RECORDS_PER_REQUEST)
      const done = await upsertRecords(call.ctx, call.actor, call.project, idOf(call), records)
      return { inserted_count: done.inserted, updated_count: done.updated }
    },
  },
  {
    methods: ['GET'],
    path: '/datasets/:dataset_id/records',
    version,
    permission: 'read',
    async handle(call) {
      const page = { limit: limitOf(call.message, PAGE.records), ...tokenOf(call.message) }
      const { records, nextPageToken } = await evaluationRecords(call.ctx, call.project.id, idOf(call), page)
      return { records: JSON.stringify(records), next_page_token: nextPageToken ?? undefined }
    },
  },
  {
    methods: ['DELETE'],
    path: '/datasets/:dataset_id/records',
    version,
    permission: 'write',
    async handle(call) {
      const ids = stringList(call.message, 'dataset_record_ids')
      return { deleted_count: await deleteEvaluationRecords(call.ctx, call.actor, call.project, idOf(call), ids) }
    },
  },
]

/** Evaluation datasets (`mlflow.genai.datasets`); their tags and records travel as JSON inside text. */
export const evaluationDatasetHandlers: Rpc[] = [
  {
    methods: ['POST'],
    path: '/datasets/create',
    version,
    permission: 'write',
    async handle({ ctx, actor, project, message }) {
      const dataset = await createEvaluationDataset(ctx, actor, project, {
        name: requiredString(message, 'name'),
        experimentIds: stringList(message, 'experiment_ids'),
        tags: parseTags(optionalString(message, 'tags'), 'tags'),
      })
      return { dataset: datasetMessage(dataset) }
    },
  },
  { methods: ['POST', 'GET'], path: '/datasets/search', version, permission: 'read', handle: search },
  {
    methods: ['GET'],
    path: '/datasets/:dataset_id',
    version,
    permission: 'read',
    handle: async (call) => ({
      dataset: datasetMessage(await getEvaluationDataset(call.ctx, call.project.id, idOf(call))),
    }),
  },
  {
    methods: ['DELETE'],
    path: '/datasets/:dataset_id',
    version,
    permission: 'write',
    async handle(call) {
      await deleteEvaluationDataset(call.ctx, call.actor, call.project, idOf(call))
      return {}
    },
  },
  {
    methods: ['PATCH'],
    path: '/datasets/:dataset_id/tags',
    version,
    permission: 'write',
    async handle(call) {
      const tags = parseTags(requiredString(call.message, 'tags'), 'tags')
      return {
        dataset: datasetMessage(await tagEvaluationDataset(call.ctx, call.actor, call.project, idOf(call), tags)),
      }
    },
  },
  {
    methods: ['DELETE'],
    path: '/datasets/:dataset_id/tags/:key',
    version,
    permission: 'write',
    async handle(call) {
      await untagEvaluationDataset(call.ctx, call.actor, call.project, idOf(call), call.params.key ?? '')
      return {}
    },
  },
  {
    methods: ['GET'],
    path: '/datasets/:dataset_id/experiment-ids',
    version,
    permission: 'read',
    async handle(call) {
      const { experimentIds } = await getEvaluationDataset(call.ctx, call.project.id, idOf(call))
      return { experiment_ids: experimentIds.length === 0 ? undefined : experimentIds }
    },
  },
  experimentChange('add'),
  experimentChange('remove'),
  ...recordHandlers,
]
