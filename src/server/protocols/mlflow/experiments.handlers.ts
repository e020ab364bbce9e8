import {
  deleteExperiment,
  removeExperimentTag,
  renameExperiment,
  restoreExperiment,
  setExperimentTag,
} from '../../tracking/experiment-changes.service.ts'
import {
  createExperiment,
  type Experiment,
  getExperiment,
  getExperimentByName,
  withTags,
} from '../../tracking/experiments.service.ts'
import { searchExperiments } from '../../tracking/experiments-search.service.ts'
import { searchDatasets } from '../../tracking/inputs.service.ts'
import { experimentMessage } from './messages.ts'
import type { Rpc, RpcCall } from './rpc.ts'
import { keyValueList, optionalEnum, optionalInt, optionalString, requiredString, stringList } from './wire.ts'

export const VIEW_TYPES = { ACTIVE_ONLY: 1, DELETED_ONLY: 2, ALL: 3 } as const

async function one(call: RpcCall, experiment: Experiment): Promise<object> {
  const [tagged] = await withTags(call.ctx, [experiment])
  return { experiment: tagged === undefined ? null : experimentMessage(tagged, call.workspace) }
}

async function search({ ctx, project, workspace, message }: RpcCall): Promise<object> {
  const { experiments, nextPageToken } = await searchExperiments(ctx, project.id, {
    view: optionalEnum(message, 'view_type', VIEW_TYPES),
    maxResults: optionalInt(message, 'max_results') ?? 0,
    filter: optionalString(message, 'filter'),
    orderBy: stringList(message, 'order_by'),
    pageToken: optionalString(message, 'page_token'),
  })
  const tagged = await withTags(ctx, experiments)
  return {
    experiments: tagged.map((experiment) => experimentMessage(experiment, workspace)),
    next_page_token: nextPageToken,
  }
}

const idOf = (message: RpcCall['message']) => requiredString(message, 'experiment_id')

export const experimentHandlers: Rpc[] = [
  {
    methods: ['POST'],
    path: '/experiments/create',
    permission: 'write',
    runToken: true,
    async handle({ ctx, actor, project, message }) {
      const experiment = await createExperiment(ctx, actor, project, {
        name: requiredString(message, 'name'),
        artifactLocation: optionalString(message, 'artifact_location'),
        tags: keyValueList(message, 'tags'),
        refuseDeletedName: true,
      })
      return { experiment_id: experiment.id }
    },
  },
  {
    methods: ['GET'],
    path: '/experiments/get',
    permission: 'read',
    handle: async (call) => one(call, await getExperiment(call.ctx, call.project.id, idOf(call.message))),
  },
  {
    methods: ['GET'],
    path: '/experiments/get-by-name',
    permission: 'read',
    async handle(call) {
      return one(
        call,
        await getExperimentByName(call.ctx, call.project.id, requiredString(call.message, 'experiment_name')),
      )
    },
  },
  { methods: ['GET', 'POST'], path: '/experiments/search', permission: 'read', handle: search },
  {
    methods: ['POST'],
    path: '/experiments/update',
    permission: 'write',
    async handle({ ctx, actor, project, message }) {
      await renameExperiment(ctx, actor, project, idOf(message), requiredString(message, 'new_name'))
      return {}
    },
  },
  {
    methods: ['POST'],
    path: '/experiments/delete',
    permission: 'write',
    async handle({ ctx, actor, project, message }) {
      await deleteExperiment(ctx, actor, project, idOf(message))
      return {}
    },
  },
  {
    methods: ['POST'],
    path: '/experiments/restore',
    permission: 'write',
    async handle({ ctx, actor, project, message }) {
      await restoreExperiment(ctx, actor, project, idOf(message))
      return {}
    },
  },
  {
    methods: ['POST'],
    path: '/experiments/set-experiment-tag',
    permission: 'write',
    async handle({ ctx, actor, project, message }) {
      const id = idOf(message)
      const tag = { key: requiredString(message, 'key'), value: optionalString(message, 'value') ?? '' }
      await setExperimentTag(ctx, actor, project, id, tag)
      return {}
    },
  },
  {
    methods: ['POST'],
    path: '/experiments/delete-experiment-tag',
    permission: 'write',
    async handle({ ctx, actor, project, message }) {
      await removeExperimentTag(ctx, actor, project, idOf(message), requiredString(message, 'key'))
      return {}
    },
  },
  {
    methods: ['POST'],
    path: '/experiments/search-datasets',
    ajaxOnly: true,
    permission: 'read',
    async handle({ ctx, project, message }) {
      const found = await searchDatasets(ctx, project.id, stringList(message, 'experiment_ids'))
      return {
        dataset_summaries: found.map(({ experimentId, name, digest, context }) => ({
          experiment_id: experimentId,
          name,
          digest,
          context,
        })),
      }
    },
  },
]
