import { joinPath, listArtifactPage, ownArtifactPath } from '../../artifacts/artifacts.service.ts'
import { linksOfRuns } from '../../tracking/inputs.service.ts'
import { valuesOfRuns } from '../../tracking/run-data.service.ts'
import { createRun } from '../../tracking/run-starts.service.ts'
import { deleteRun, getRun, type RunRecord, restoreRun, updateRun } from '../../tracking/runs.service.ts'
import { runsOf, searchRunIds } from '../../tracking/runs-search.service.ts'
import { fileInfo, LIST_LIMIT, nameOfToken, tokenOfName } from './artifact-routes.ts'
import { VIEW_TYPES } from './experiments.handlers.ts'
import { LongList } from './long-list.ts'
import { runInfoMessage, runMessage } from './messages.ts'
import type { Rpc, RpcCall } from './rpc.ts'
import { keyValueList, optionalEnum, optionalInt, optionalString, requiredString, stringList } from './wire.ts'

const RUN_STATUSES = { RUNNING: 1, SCHEDULED: 2, FINISHED: 3, FAILED: 4, KILLED: 5 } as const

async function whole({ ctx }: RpcCall, runs: readonly RunRecord[]): Promise<object[]> {
  const ids = runs.map((run) => run.id)
  const values = await valuesOfRuns(ctx, ids)
  const links = await linksOfRuns(ctx, ids)
  return runs.map((run) => runMessage(run, values.get(run.id), links.get(run.id)))
}

async function create(call: RpcCall): Promise<object> {
  const { ctx, actor, project, message } = call
  const run = await createRun(ctx, actor, project, {
    experimentId: requiredString(message, 'experiment_id'),
    name: optionalString(message, 'run_name'),
    tags: keyValueList(message, 'tags'),
    startedAtMs: optionalInt(message, 'start_time') ?? 0,
    userName: optionalString(message, 'user_id'),
  })
  const [made] = (await whole(call, [run])) as [Record<string, unknown>]
  // As the real server has it: what a run puts out is told by runs/get.
  const { outputs: _outputs, ...rest } = made
  return { run: rest }
}

async function search(call: RpcCall): Promise<object> {
  const { ctx, project, message } = call
  const { ids, nextPageToken } = await searchRunIds(ctx, project.id, {
    experimentIds: stringList(message, 'experiment_ids'),
    filter: optionalString(message, 'filter'),
    view: optionalEnum(message, 'run_view_type', VIEW_TYPES),
    maxResults: optionalInt(message, 'max_results') ?? 1_000,
    orderBy: stringList(message, 'order_by'),
    pageToken: optionalString(message, 'page_token'),
  })
  const rest = { next_page_token: nextPageToken }
  if (ids.length > RUNS_AT_ONCE) return new LongList('runs', slices(call, ids), () => rest)
  return { runs: await whole(call, await runsOf(ctx, project.id, ids)), ...rest }
}

/** Runs whose values are read and written together. */
const RUNS_AT_ONCE = 250

async function* slices(call: RpcCall, ids: readonly string[]): AsyncGenerator<object[]> {
  for (let at = 0; at < ids.length; at += RUNS_AT_ONCE) {
    const runs = await runsOf(call.ctx, call.project.id, ids.slice(at, at + RUNS_AT_ONCE))
    yield await whole(call, runs)
  }
}

async function list({ ctx, project, message }: RpcCall): Promise<object> {
  const run = await getRun(ctx, project.id, requiredString(message, 'run_id'))
  const path = (optionalString(message, 'path') ?? '').replace(/\/+$/, '')
  const { entries, next } = await listArtifactPage(ctx, project.id, joinPath(ownArtifactPath(run.artifactUri), path), {
    after: nameOfToken(optionalString(message, 'page_token')),
    limit: LIST_LIMIT,
  })
  return {
    root_uri: run.artifactUri,
    files: entries.map((entry) => fileInfo(joinPath(path, entry.name), entry)),
    next_page_token: next === null ? null : tokenOfName(next),
  }
}

export const runHandlers: Rpc[] = [
  { methods: ['POST'], path: '/runs/create', permission: 'write', runToken: true, handle: create },
  {
    methods: ['GET'],
    path: '/runs/get',
    permission: 'read',
    async handle(call) {
      const [run] = await whole(call, [await getRun(call.ctx, call.project.id, requiredString(call.message, 'run_id'))])
      return { run }
    },
  },
  {
    methods: ['POST'],
    path: '/runs/update',
    permission: 'write',
    runToken: true,
    async handle({ ctx, actor, project, message }) {
      const run = await updateRun(ctx, actor, project, requiredString(message, 'run_id'), {
        status: optionalEnum(message, 'status', RUN_STATUSES),
        endedAtMs: optionalInt(message, 'end_time'),
        name: optionalString(message, 'run_name'),
      })
      return { run_info: runInfoMessage(run) }
    },
  },
  {
    methods: ['POST'],
    path: '/runs/delete',
    permission: 'write',
    runToken: true,
    async handle({ ctx, actor, project, message }) {
      await deleteRun(ctx, actor, project, requiredString(message, 'run_id'))
      return {}
    },
  },
  {
    methods: ['POST'],
    path: '/runs/restore',
    permission: 'write',
    runToken: true,
    async handle({ ctx, actor, project, message }) {
      await restoreRun(ctx, actor, project, requiredString(message, 'run_id'))
      return {}
    },
  },
  { methods: ['POST'], path: '/runs/search', permission: 'read', handle: search },
  { methods: ['GET'], path: '/artifacts/list', permission: 'read', handle: list },
]
