import type { Context } from '../../../context.ts'
import { joinPath, listArtifactPage, ownArtifactPath } from '../../artifacts/artifacts.service.ts'
import { startRun } from '../../tracking/run-starts.service.ts'
import { deleteRun, getRun, restoreRun, runNotFound, updateRun } from '../../tracking/runs.service.ts'
import { checkedSearch } from '../../tracking/runs-search.service.ts'
import { fileInfo, LIST_LIMIT, nameOfToken, tokenOfName } from './artifact-routes.ts'
import { VIEW_TYPES } from './experiments.handlers.ts'
import { LongList } from './long-list.ts'
import { runInfoMessage } from './messages.ts'
import { JsonText, type Rpc, type RpcCall } from './rpc.ts'
import { runPage, runTexts } from './run-pages.reads.ts'
import { keyValueList, optionalEnum, optionalInt, optionalString, requiredString, stringList } from './wire.ts'

const RUN_STATUSES = { RUNNING: 1, SCHEDULED: 2, FINISHED: 3, FAILED: 4, KILLED: 5 } as const

async function create({ ctx, actor, project, message }: RpcCall): Promise<object> {
  const { run, tags } = await startRun(ctx, actor, project, {
    experimentId: requiredString(message, 'experiment_id'),
    name: optionalString(message, 'run_name'),
    tags: keyValueList(message, 'tags'),
    startedAtMs: optionalInt(message, 'start_time') ?? 0,
    userName: optionalString(message, 'user_id'),
  })
  // As the real server has it: what a run puts out is told by runs/get.
  return { run: { info: runInfoMessage(run), data: { tags }, inputs: {} } }
}

async function get({ ctx, project, message }: RpcCall): Promise<object> {
  const id = requiredString(message, 'run_id')
  const text = await runTexts.run(ctx.db, { projectId: project.id, ids: [id] })
  if (text === '') throw runNotFound(id)
  return new JsonText(`{"run":${text}}`)
}

/** Runs whose values are read and written together. */
const RUNS_AT_ONCE = 250

async function search({ ctx, project, message }: RpcCall): Promise<object> {
  const { search, tokenOf } = await checkedSearch(ctx, project.id, {
    experimentIds: stringList(message, 'experiment_ids'),
    filter: optionalString(message, 'filter'),
    view: optionalEnum(message, 'run_view_type', VIEW_TYPES),
    maxResults: optionalInt(message, 'max_results') ?? 1_000,
    orderBy: stringList(message, 'order_by'),
    pageToken: optionalString(message, 'page_token'),
  })
  const page = await ctx.reads.ask(ctx.db, runPage, { search, texts: RUNS_AT_ONCE })
  if (page.ids.length === 0) return {}
  const rest = page.last === null ? '' : `,"next_page_token":${JSON.stringify(tokenOf(page.last))}`
  if (page.ids.length <= RUNS_AT_ONCE)
    return new JsonText(Buffer.concat([Buffer.from('{"runs":['), page.text, Buffer.from(`]${rest}}`)]))
  return new LongList('runs', slices(ctx, project.id, page), { next_page_token: tokenOf(page.last) })
}

async function* slices(
  ctx: Context,
  projectId: string,
  { ids, text }: { ids: string[]; text: Uint8Array },
): AsyncGenerator<string> {
  yield new TextDecoder().decode(text)
  for (let at = RUNS_AT_ONCE; at < ids.length; at += RUNS_AT_ONCE)
    yield await ctx.reads.ask(ctx.db, runTexts, { projectId, ids: ids.slice(at, at + RUNS_AT_ONCE) })
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
    handle: get,
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
