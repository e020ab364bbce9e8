import { setTimeout as wait } from 'node:timers/promises'
import { badRequest, notFound } from '../../../lib/errors.ts'
import {
  createAssessment,
  deleteAssessment,
  getAssessment,
  updateAssessment,
} from '../../traces/assessments.service.ts'
import { spansOf } from '../../traces/spans.service.ts'
import { deleteTraces, linkPromptsToTrace, linkTracesToRun } from '../../traces/trace-changes.service.ts'
import { searchTraces } from '../../traces/trace-search.service.ts'
import { getTrace, getTraces, startTrace, type Trace } from '../../traces/traces.service.ts'
import type { Rpc, RpcCall } from './rpc.ts'
import {
  assessmentChange,
  assessmentMessage,
  newAssessment,
  STATES,
  traceInfoMessage,
  traceMessage,
} from './traces.messages.ts'
import { durationMs, textMap, timestampMs } from './traces.wire.ts'
import {
  type Message,
  messageList,
  optionalBoolean,
  optionalEnum,
  optionalInt,
  optionalMessage,
  optionalString,
  required,
  requiredString,
  stringList,
} from './wire.ts'

/** MLflow's limits of one request. */
const SEARCH_LIMIT = 500
const SEARCH_DEFAULT = 100
const BATCH_LIMIT = 100
const INFO_LIMIT = 1_000
/** How long the answer to a request for a whole trace waits for spans that are still on their way. */
const EXPORT_WAIT_MS = [200, 400, 800]

const idOf = (call: RpcCall) => call.params.trace_id ?? ''

async function start({ ctx, actor, project, message }: RpcCall): Promise<object> {
  const info = required(
    optionalMessage(required(optionalMessage(message, 'trace'), 'trace'), 'trace_info'),
    'trace.trace_info',
  )
  const location = required(optionalMessage(info, 'trace_location'), 'trace.trace_info.trace_location')
  const experiment = required(optionalMessage(location, 'mlflow_experiment'), 'trace_location.mlflow_experiment')
  const clientRequestId = optionalString(info, 'client_request_id')
  const requestPreview = optionalString(info, 'request_preview')
  const responsePreview = optionalString(info, 'response_preview')
  const trace = await startTrace(ctx, actor, project, {
    id: requiredString(info, 'trace_id', 'trace.trace_info.trace_id'),
    experimentId: requiredString(experiment, 'experiment_id', 'trace_location.mlflow_experiment.experiment_id'),
    status: optionalEnum(info, 'state', STATES) ?? 'STATE_UNSPECIFIED',
    startedAtMs: timestampMs(info, 'request_time') ?? 0,
    durationMs: durationMs(info, 'execution_duration') ?? null,
    tags: textMap(info, 'tags'),
    metadata: textMap(info, 'trace_metadata'),
    assessments: messageList(info, 'assessments').map((one, index) => newAssessment(one, `assessments[${index}]`)),
    ...(clientRequestId === undefined ? {} : { clientRequestId }),
    ...(requestPreview === undefined ? {} : { requestPreview }),
    ...(responsePreview === undefined ? {} : { responsePreview }),
  })
  return { trace: { trace_info: traceInfoMessage(trace) } }
}

async function search({ ctx, project, message }: RpcCall): Promise<object> {
  required(message.locations ?? undefined, 'locations')
  const locations = messageList(message, 'locations')
  const { traces, nextPageToken } = await searchTraces(ctx, project.id, {
    experimentIds: locations
      .map((location) => optionalMessage(location, 'mlflow_experiment'))
      .filter((experiment) => experiment !== undefined)
      .map((experiment) => requiredString(experiment, 'experiment_id', 'locations.mlflow_experiment.experiment_id')),
    ...searchFields(message),
  })
  return {
    traces: traces.length === 0 ? undefined : traces.map(traceInfoMessage),
    next_page_token: nextPageToken ?? undefined,
  }
}

/** What both versions of the search have in common. @throws AppError bad_request */
export function searchFields(message: Message) {
  const maxResults = optionalInt(message, 'max_results') ?? SEARCH_DEFAULT
  if (maxResults < 1 || maxResults > SEARCH_LIMIT) {
    throw badRequest(
      `Invalid value ${maxResults} for parameter 'max_results' supplied. It must be at least 1 and at most ${SEARCH_LIMIT}.`,
      'max_results',
    )
  }
  const filter = optionalString(message, 'filter')
  const pageToken = optionalString(message, 'page_token')
  return {
    maxResults,
    orderBy: stringList(message, 'order_by'),
    ...(filter === undefined ? {} : { filter }),
    ...(pageToken === undefined ? {} : { pageToken }),
  }
}

/** A trace with all its spans: they may come a moment after the trace itself. */
async function whole({ ctx, project, message }: RpcCall): Promise<object> {
  const id = requiredString(message, 'trace_id')
  const partial = optionalBoolean(message, 'allow_partial') ?? false
  for (const pause of [...EXPORT_WAIT_MS, 0]) {
    const trace = await getTrace(ctx, project.id, id)
    const spans = (await spansOf(ctx, [trace])).get(trace.rowId) ?? []
    if (partial || spans.length >= announcedSpans(trace)) return { trace: traceMessage(trace, spans) }
    await wait(pause)
  }
  throw notFound(`Trace with ID ${id} is not fully exported yet, please try again later.`)
}

/** How many spans the client said that the trace has. */
function announcedSpans(trace: Trace): number {
  try {
    const stats = JSON.parse(trace.metadata['mlflow.trace.sizeStats'] ?? '{}') as { num_spans?: unknown }
    return typeof stats.num_spans === 'number' ? stats.num_spans : 0
  } catch {
    return 0
  }
}

async function batch(call: RpcCall, limit: number): Promise<Trace[]> {
  const ids = stringList(call.message, 'trace_ids')
  required(ids.length === 0 ? undefined : ids, 'trace_ids')
  const traces = await getTraces(call.ctx, call.project.id, ids, limit)
  const experiments = stringList(call.message, 'experiment_ids')
  return experiments.length === 0 ? traces : traces.filter((trace) => experiments.includes(trace.experimentId))
}

/** Deletes by ids or by age; both versions of the protocol. */
export async function deletion({ ctx, actor, project, message }: RpcCall): Promise<object> {
  const olderThanMs = optionalInt(message, 'max_timestamp_millis')
  const maxTraces = optionalInt(message, 'max_traces')
  const deleted = await deleteTraces(ctx, actor, project, {
    experimentId: requiredString(message, 'experiment_id'),
    traceIds: stringList(message, 'request_ids'),
    ...(olderThanMs === undefined ? {} : { olderThanMs }),
    ...(maxTraces === undefined ? {} : { maxTraces }),
  })
  return { traces_deleted: deleted }
}

const assessmentHandlers: Rpc[] = [
  {
    methods: ['POST'],
    path: '/traces/:trace_id/assessments',
    version: '3.0',
    permission: 'write',
    runToken: true,
    async handle(call) {
      const input = newAssessment(required(optionalMessage(call.message, 'assessment'), 'assessment'), 'assessment')
      const made = await createAssessment(call.ctx, call.actor, call.project, idOf(call), input)
      return { assessment: assessmentMessage(made) }
    },
  },
  {
    methods: ['GET'],
    path: '/traces/:trace_id/assessments/:assessment_id',
    version: '3.0',
    permission: 'read',
    async handle(call) {
      const trace = await getTrace(call.ctx, call.project.id, idOf(call))
      return { assessment: assessmentMessage(await getAssessment(call.ctx, trace, call.params.assessment_id ?? '')) }
    },
  },
  {
    methods: ['PATCH'],
    path: '/traces/:trace_id/assessments/:assessment_id',
    version: '3.0',
    permission: 'write',
    runToken: true,
    async handle(call) {
      const message = required(optionalMessage(call.message, 'assessment'), 'assessment')
      const change = assessmentChange(message, maskOf(call.message))
      const id = call.params.assessment_id ?? ''
      const changed = await updateAssessment(call.ctx, call.actor, call.project, idOf(call), id, change)
      return { assessment: assessmentMessage(changed) }
    },
  },
  {
    methods: ['DELETE'],
    path: '/traces/:trace_id/assessments/:assessment_id',
    version: '3.0',
    permission: 'write',
    runToken: true,
    async handle(call) {
      await deleteAssessment(call.ctx, call.actor, call.project, idOf(call), call.params.assessment_id ?? '')
      return {}
    },
  },
]

/** A FieldMask in protobuf's JSON: names in camel case with commas between; or its own form. @throws AppError bad_request */
function maskOf(message: Message): string[] {
  const mask = required(message.update_mask, 'update_mask')
  if (typeof mask === 'string') {
    return mask
      .split(',')
      .filter((path) => path !== '')
      .map((path) => path.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`))
  }
  return stringList(optionalMessage(message, 'update_mask') ?? {}, 'paths')
}

/** Traces and what is said about them, as MLflow 3 clients call them. */
export const traceHandlers: Rpc[] = [
  { methods: ['POST'], path: '/traces', version: '3.0', permission: 'write', runToken: true, handle: start },
  { methods: ['POST'], path: '/traces/search', version: '3.0', permission: 'read', handle: search },
  { methods: ['GET'], path: '/traces/get', version: '3.0', permission: 'read', handle: whole },
  {
    methods: ['GET'],
    path: '/traces/batchGet',
    version: '3.0',
    permission: 'read',
    async handle(call) {
      const traces = await batch(call, BATCH_LIMIT)
      const spans = await spansOf(call.ctx, traces)
      return { traces: traces.map((trace) => traceMessage(trace, spans.get(trace.rowId) ?? [])) }
    },
  },
  {
    methods: ['POST'],
    path: '/traces/batchGetInfos',
    version: '3.0',
    permission: 'read',
    handle: async (call) => ({ trace_infos: (await batch(call, INFO_LIMIT)).map(traceInfoMessage) }),
  },
  {
    methods: ['GET'],
    path: '/traces/:trace_id',
    version: '3.0',
    permission: 'read',
    handle: async (call) => ({
      trace: { trace_info: traceInfoMessage(await getTrace(call.ctx, call.project.id, idOf(call))) },
    }),
  },
  { methods: ['POST'], path: '/traces/delete-traces', version: '3.0', permission: 'write', handle: deletion },
  {
    methods: ['POST'],
    path: '/traces/link-to-run',
    permission: 'write',
    runToken: true,
    async handle({ ctx, actor, project, message }) {
      const runId = requiredString(message, 'run_id')
      await linkTracesToRun(ctx, actor, project, stringList(message, 'trace_ids'), runId)
      return {}
    },
  },
  {
    methods: ['POST'],
    path: '/traces/link-prompts',
    permission: 'write',
    runToken: true,
    async handle({ ctx, actor, project, message }) {
      const prompts = messageList(message, 'prompt_versions').map((prompt, index) => ({
        name: requiredString(prompt, 'name', `prompt_versions[${index}].name`),
        version: requiredString(prompt, 'version', `prompt_versions[${index}].version`),
      }))
      await linkPromptsToTrace(ctx, actor, project, requiredString(message, 'trace_id'), prompts)
      return {}
    },
  },
  ...assessmentHandlers,
]
