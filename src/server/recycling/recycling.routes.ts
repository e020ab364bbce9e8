import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Context } from '../../context.ts'
import { scopeOf } from '../../http/request.ts'
import Type from '../../lib/schema.ts'
import { ProjectParams } from '../projects/projects.schema.ts'
import { type BinItem, binItem, listBin, restore } from './bin.service.ts'
import { deleteForEver } from './purge.service.ts'
import {
  askForReclaim,
  DEFAULT_GRACE_MS,
  findReclaim,
  listReclaims,
  type Reclaim,
  type SweptKind,
} from './reclaim.service.ts'
import * as schema from './recycling.schema.ts'
import { purgeAtMs } from './retention.service.ts'

const tags = ['recycle bin']
const base = '/projects/:owner/:project/recycle-bin'
const PAGE = 50
const RECLAIMS_SHOWN = 20

function itemBody(ctx: Context, item: BinItem) {
  return {
    kind: item.kind,
    id: item.id,
    name: item.name,
    deleted_at_ms: item.deletedAtMs,
    deleted_by: item.deletedBy,
    contents: item.contents,
    size_bytes: item.bytes,
    purge_at_ms: purgeAtMs(ctx.config, item.deletedAtMs),
  }
}

function sweptBody(swept: SweptKind) {
  return {
    blobs: swept.blobs,
    size_bytes: swept.bytes,
    referenced_blobs: swept.referencedBlobs,
    referenced_bytes: swept.referencedBytes,
    young_blobs: swept.youngBlobs,
    young_bytes: swept.youngBytes,
    unreferenced_blobs: swept.unreferencedBlobs,
    unreferenced_bytes: swept.unreferencedBytes,
    missing_blobs: swept.missingBlobs,
  }
}

function reclaimBody(row: Reclaim) {
  const { report } = row
  return {
    id: row.id,
    state: row.state,
    dry_run: row.dryRun,
    asked_by: row.askedBy,
    grace_ms: row.graceMs,
    created_at_ms: row.createdAtMs,
    finished_at_ms: row.finishedAtMs,
    error: row.error,
    report:
      report === null
        ? null
        : {
            content: sweptBody(report.content),
            objects: sweptBody(report.objects),
            leftovers: report.leftovers,
            stale_holdings: report.staleHoldings,
          },
  }
}

/** A project's recycle bin. What goes into it goes by the routes and doors of each room. */
export function recyclingRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      base,
      {
        config: { permission: 'read' },
        schema: {
          tags,
          summary: 'What was deleted and can be restored, the latest first',
          params: ProjectParams,
          querystring: schema.BinQuery,
          response: { 200: schema.BinBody },
        },
      },
      async (request) => {
        const { kind, limit, page_token } = request.query
        const { items, nextPageToken } = await listBin(ctx, scopeOf(request).project.id, {
          kind,
          limit: limit ?? PAGE,
          pageToken: page_token === '' ? undefined : page_token,
        })
        return { items: items.map((item) => itemBody(ctx, item)), next_page_token: nextPageToken }
      },
    )

    app.get(
      `${base}/:kind/:id`,
      {
        config: { permission: 'read' },
        schema: {
          tags,
          summary: 'One deleted thing, and what needs it',
          params: schema.BinParams,
          response: { 200: schema.BinItemBody },
        },
      },
      async (request) => {
        const { kind, id } = request.params
        const item = await binItem(ctx, scopeOf(request).project.id, kind, id)
        return { ...itemBody(ctx, item), needed_by: item.neededBy }
      },
    )

    app.post(
      `${base}/:kind/:id/restore`,
      {
        config: { permission: 'write' },
        schema: {
          tags,
          summary: 'Restore a deleted thing, with what went with it',
          params: schema.BinParams,
          response: { 204: Type.Null() },
        },
      },
      async (request, reply) => {
        const { actor, project } = scopeOf(request)
        await restore(ctx, actor, project, request.params.kind, request.params.id)
        return reply.code(204).send(null)
      },
    )

    app.delete(
      `${base}/:kind/:id`,
      {
        config: { permission: 'manage' },
        schema: {
          tags,
          summary: 'Delete a thing of the bin for ever',
          params: schema.BinParams,
          response: { 200: schema.PurgedBody },
        },
      },
      async (request) => {
        const { actor, project } = scopeOf(request)
        const { bytes } = await deleteForEver(ctx, actor, project, request.params.kind, request.params.id)
        return { freed_bytes: bytes }
      },
    )
  }
}

/** Sweeps of the whole store, for administrators. */
export function reclaimRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      '/reclaims',
      {
        config: { permission: 'admin' },
        schema: {
          tags,
          summary: 'Remove the bytes that nothing uses any more; done after the answer',
          body: schema.NewReclaim,
          response: { 202: schema.ReclaimBody },
        },
      },
      async (request, reply) => {
        const { dry_run, grace_minutes } = request.body
        const made = await askForReclaim(ctx, request.actor, {
          dryRun: dry_run ?? false,
          graceMs: grace_minutes === undefined ? DEFAULT_GRACE_MS : grace_minutes * 60_000,
        })
        return reply.code(202).send(reclaimBody(made))
      },
    )

    app.get(
      '/reclaims',
      {
        config: { permission: 'admin' },
        schema: { tags, summary: 'The latest sweeps', response: { 200: schema.ReclaimsBody } },
      },
      async () => ({ reclaims: (await listReclaims(ctx, RECLAIMS_SHOWN)).map(reclaimBody) }),
    )

    app.get(
      '/reclaims/:id',
      {
        config: { permission: 'admin' },
        schema: { tags, summary: 'One sweep', params: schema.ReclaimParams, response: { 200: schema.ReclaimBody } },
      },
      async (request) => reclaimBody(await findReclaim(ctx, request.params.id)),
    )
  }
}
