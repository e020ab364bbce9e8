import type { Context } from '../../../context.ts'
import { badRequest } from '../../../lib/errors.ts'
import type { HistoryOf, RunPoint } from '../../tracking/history.reads.ts'
import { checkedHistory, metricHistory, sampledHistory } from '../../tracking/history.service.ts'
import { logInputs, logOutputs, type NewRunInput } from '../../tracking/inputs.service.ts'
import { encodePointToken } from '../../tracking/metrics/point-token.ts'
import { recordLoggedModel } from '../../tracking/model-history.service.ts'
import { logBatch, logMetric, logParam, type NewMetric, removeTag, setTag } from '../../tracking/run-data.service.ts'
import { LongList } from './long-list.ts'
import { metricMessage } from './messages.ts'
import { JsonText, type Rpc, type RpcCall } from './rpc.ts'
import { historyText } from './run-pages.reads.ts'
import {
  keyValueList,
  type Message,
  messageList,
  optionalDouble,
  optionalInt,
  optionalInt64,
  optionalMessage,
  optionalString,
  required,
  requiredString,
  stringList,
} from './wire.ts'

const runIdOf = (message: Message) => requiredString(message, 'run_id')

function metricOf(message: Message, path: string): NewMetric {
  return {
    key: requiredString(message, 'key', `${path}key`),
    value: required(optionalDouble(message, 'value', `${path}value`), `${path}value`),
    timestampMs: required(optionalInt64(message, 'timestamp', `${path}timestamp`), `${path}timestamp`),
    step: optionalInt64(message, 'step', `${path}step`) ?? 0,
    modelId: optionalString(message, 'model_id', `${path}model_id`),
    datasetName: optionalString(message, 'dataset_name', `${path}dataset_name`),
    datasetDigest: optionalString(message, 'dataset_digest', `${path}dataset_digest`),
  }
}

function inputOf(message: Message, index: number): NewRunInput {
  const path = `datasets[${index}]`
  const dataset = required(optionalMessage(message, 'dataset', `${path}.dataset`), `${path}.dataset`)
  return {
    name: requiredString(dataset, 'name', `${path}.dataset.name`),
    digest: requiredString(dataset, 'digest', `${path}.dataset.digest`),
    sourceType: requiredString(dataset, 'source_type', `${path}.dataset.source_type`),
    source: requiredString(dataset, 'source', `${path}.dataset.source`),
    schema: optionalString(dataset, 'schema', `${path}.dataset.schema`),
    profile: optionalString(dataset, 'profile', `${path}.dataset.profile`),
    tags: keyValueList(message, 'tags', `${path}.tags`),
  }
}

async function history({ ctx, project, message }: RpcCall): Promise<object> {
  const maxResults = optionalInt(message, 'max_results')
  const asked = checkedHistory(project.id, runIdOf(message), requiredString(message, 'metric_key'), {
    maxResults,
    pageToken: optionalString(message, 'page_token'),
  })
  if (maxResults === undefined) return new LongList('metrics', wholeHistory(ctx, asked))
  const { text, last } = await ctx.reads.ask(ctx.db, historyText, asked)
  if (text === '') return {}
  const rest = last === null ? '' : `,"next_page_token":${JSON.stringify(encodePointToken(last))}`
  return new JsonText(`{"metrics":[${text}]${rest}}`)
}

/** The rest of a history from a place on, some points at a time: it may be longer than an answer should be held in memory. */
async function* wholeHistory(ctx: Context, asked: HistoryOf): AsyncGenerator<string> {
  for (let after = asked.after; ; ) {
    const { text, last } = await ctx.reads.ask(ctx.db, historyText, { ...asked, after })
    yield text
    if (last === null) return
    after = last
  }
}

const pointOfRun = (point: RunPoint) => ({ ...metricMessage(point), run_id: point.runId })

async function bulkInterval({ ctx, project, message }: RpcCall): Promise<object> {
  required(message.run_ids ?? undefined, 'run_ids')
  const points = await sampledHistory(ctx, project.id, {
    runIds: stringList(message, 'run_ids'),
    key: requiredString(message, 'metric_key'),
    startStep: optionalInt(message, 'start_step'),
    endStep: optionalInt(message, 'end_step'),
    maxResults: optionalInt(message, 'max_results') ?? 2_500,
  })
  return { metrics: points.map(pointOfRun) }
}

/** The whole history of several runs, at most `max_results` points together. */
async function bulk({ ctx, project, message }: RpcCall): Promise<object> {
  const runIds = stringList(message, 'run_id')
  if (runIds.length === 0 || runIds.length > 100) {
    throw badRequest(`GetMetricHistoryBulk request must specify 1 to 100 run_id. Received ${runIds.length}.`, 'run_id')
  }
  const key = requiredString(message, 'metric_key')
  let left = Math.min(optionalInt(message, 'max_results') ?? 25_000, 25_000)
  const metrics: object[] = []
  for (const runId of [...runIds].sort()) {
    if (left < 1) break
    const { points } = await metricHistory(ctx, project.id, runId, key, { maxResults: left })
    metrics.push(...points.map((point) => pointOfRun({ ...point, runId })))
    left -= points.length
  }
  // The real server answers this one without the rules of messages: an empty list stays.
  return metrics.length === 0 ? new JsonText('{"metrics": []}') : { metrics }
}

/** A call that changes a run and answers nothing. */
function change(path: string, work: (call: RpcCall, runId: string) => Promise<unknown>): Rpc {
  return {
    methods: ['POST'],
    path,
    permission: 'write',
    runToken: true,
    async handle(call) {
      await work(call, runIdOf(call.message))
      return {}
    },
  }
}

export const runDataHandlers: Rpc[] = [
  change('/runs/log-metric', ({ ctx, actor, project, message }, runId) =>
    logMetric(ctx, actor, project, runId, metricOf(message, '')),
  ),
  change('/runs/log-parameter', ({ ctx, actor, project, message }, runId) => {
    const param = { key: requiredString(message, 'key'), value: optionalString(message, 'value') ?? '' }
    return logParam(ctx, actor, project, runId, param)
  }),
  change('/runs/log-batch', ({ ctx, actor, project, message }, runId) =>
    logBatch(ctx, actor, project, runId, {
      metrics: messageList(message, 'metrics').map((metric, index) => metricOf(metric, `metrics[${index}].`)),
      params: keyValueList(message, 'params'),
      tags: keyValueList(message, 'tags'),
    }),
  ),
  change('/runs/set-tag', ({ ctx, actor, project, message }, runId) => {
    const tag = { key: requiredString(message, 'key'), value: optionalString(message, 'value') ?? '' }
    return setTag(ctx, actor, project, runId, tag)
  }),
  change('/runs/delete-tag', ({ ctx, actor, project, message }, runId) =>
    removeTag(ctx, actor, project, runId, requiredString(message, 'key')),
  ),
  change('/runs/log-inputs', ({ ctx, actor, project, message }, runId) =>
    logInputs(ctx, actor, project, runId, {
      datasets: messageList(message, 'datasets').map(inputOf),
      modelIds: messageList(message, 'models').map((m, index) =>
        requiredString(m, 'model_id', `models[${index}].model_id`),
      ),
    }),
  ),
  change('/runs/outputs', ({ ctx, actor, project, message }, runId) =>
    logOutputs(
      ctx,
      actor,
      project,
      runId,
      messageList({ models: required(message.models ?? undefined, 'models') }, 'models').map((model, index) => ({
        modelId: requiredString(model, 'model_id', `models[${index}].model_id`),
        step: optionalInt64(model, 'step', `models[${index}].step`) ?? 0,
      })),
    ),
  ),
  change('/runs/log-model', ({ ctx, actor, project, message }, runId) =>
    recordLoggedModel(ctx, actor, project, runId, requiredString(message, 'model_json')),
  ),
  { methods: ['GET'], path: '/metrics/get-history', permission: 'read', handle: history },
  { methods: ['GET'], path: '/metrics/get-history-bulk-interval', permission: 'read', handle: bulkInterval },
  { methods: ['GET'], path: '/metrics/get-history-bulk', ajaxOnly: true, permission: 'read', handle: bulk },
]
