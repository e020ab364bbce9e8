import { deleteTraceTag, setTraceTag } from '../../traces/trace-changes.service.ts'
import { searchTraces } from '../../traces/trace-search.service.ts'
import { endTrace, getTrace, startTrace } from '../../traces/traces.service.ts'
import type { Rpc, RpcCall } from './rpc.ts'
import { deletion, searchFields } from './traces.handlers.ts'
import { oldTraceInfoMessage, STATUSES } from './traces.messages.ts'
import { checkTimeMs } from './traces.wire.ts'
import {
  keyValueList,
  type Message,
  optionalEnum,
  optionalInt,
  optionalString,
  required,
  requiredString,
  stringList,
} from './wire.ts'

const pairsOf = (message: Message, name: string) =>
  Object.fromEntries(keyValueList(message, name).map(({ key, value }) => [key, value]))
const idOf = (call: RpcCall) => call.params.trace_id ?? ''

function statusOf(message: Message) {
  const status = optionalEnum(message, 'status', STATUSES)
  return status === 'TRACE_STATUS_UNSPECIFIED' ? 'STATE_UNSPECIFIED' : status
}

const tagRoutes = (version: '2.0' | '3.0'): Rpc[] => [
  {
    methods: ['PATCH'],
    path: '/traces/:trace_id/tags',
    version,
    permission: 'write',
    runToken: true,
    async handle(call) {
      const { ctx, actor, project, message } = call
      const value = optionalString(message, 'value') ?? ''
      await setTraceTag(ctx, actor, project, idOf(call), requiredString(message, 'key'), value)
      return {}
    },
  },
  {
    methods: ['DELETE'],
    path: '/traces/:trace_id/tags',
    version,
    permission: 'write',
    runToken: true,
    async handle(call) {
      await deleteTraceTag(call.ctx, call.actor, call.project, idOf(call), requiredString(call.message, 'key'))
      return {}
    },
  },
]

/** Traces as clients before MLflow 3 call them: begun, then ended; their spans are a file. And the calls that 3 kept. */
export const oldTraceHandlers: Rpc[] = [
  {
    methods: ['POST'],
    path: '/traces',
    permission: 'write',
    runToken: true,
    async handle({ ctx, actor, project, message }) {
      const trace = await startTrace(ctx, actor, project, {
        experimentId: requiredString(message, 'experiment_id'),
        status: 'IN_PROGRESS',
        startedAtMs: checkTimeMs(optionalInt(message, 'timestamp_ms') ?? 0, 'timestamp_ms'),
        durationMs: null,
        tags: pairsOf(message, 'tags'),
        metadata: pairsOf(message, 'request_metadata'),
      })
      return { trace_info: oldTraceInfoMessage(trace) }
    },
  },
  {
    methods: ['PATCH'],
    path: '/traces/:trace_id',
    permission: 'write',
    runToken: true,
    async handle(call) {
      const { ctx, actor, project, message } = call
      const trace = await endTrace(ctx, actor, project, idOf(call), {
        endedAtMs: checkTimeMs(required(optionalInt(message, 'timestamp_ms'), 'timestamp_ms'), 'timestamp_ms'),
        status: statusOf(message),
        tags: pairsOf(message, 'tags'),
        metadata: pairsOf(message, 'request_metadata'),
      })
      return { trace_info: oldTraceInfoMessage(trace) }
    },
  },
  {
    methods: ['GET'],
    path: '/traces/:trace_id/info',
    permission: 'read',
    handle: async (call) => ({
      trace_info: oldTraceInfoMessage(await getTrace(call.ctx, call.project.id, idOf(call))),
    }),
  },
  {
    methods: ['GET'],
    path: '/traces',
    permission: 'read',
    async handle({ ctx, project, message }) {
      const experimentIds = stringList(message, 'experiment_ids')
      required(experimentIds.length === 0 ? undefined : experimentIds, 'experiment_ids')
      const found = await searchTraces(ctx, project.id, { experimentIds, ...searchFields(message) })
      return {
        traces: found.traces.length === 0 ? undefined : found.traces.map(oldTraceInfoMessage),
        next_page_token: found.nextPageToken ?? undefined,
      }
    },
  },
  { methods: ['POST'], path: '/traces/delete-traces', permission: 'write', handle: deletion },
  ...tagRoutes('2.0'),
  ...tagRoutes('3.0'),
]
