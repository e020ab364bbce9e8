import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Context } from '../../context.ts'
import { sendRanged } from '../../http/ranges.ts'
import { scopeOf } from '../../http/request.ts'
import { badRequest } from '../../lib/errors.ts'
import Type from '../../lib/schema.ts'
import { ProjectParams } from '../projects/projects.schema.ts'
import type { Project } from '../projects/projects.service.ts'
import { runsOfDatasetVersion } from '../tracking/inputs.service.ts'
import * as schema from './datasets.schema.ts'
import {
  createDataset,
  type Dataset,
  deleteDataset,
  deleteDatasetVersion,
  getDataset,
  listDatasets,
  madeFrom,
} from './datasets.service.ts'
import { formatOf } from './formats.ts'
import { profileOf } from './profiles.service.ts'
import { runRecipe } from './recipes.service.ts'
import { readPage } from './tables.service.ts'
import { addVersion, type DatasetVersion, findVersion, versionFile, versionFiles } from './versions.service.ts'

const tags = ['datasets']
const base = '/projects/:owner/:project/datasets'

function summary(version: DatasetVersion) {
  return {
    version: version.version,
    digest: version.digest,
    message: version.message,
    created_at_ms: version.createdAtMs,
    created_by: version.createdBy,
    size_bytes: version.sizeBytes,
    file_count: version.fileCount,
    row_count: version.rowCount,
    profile_state: version.profileState,
    parent: version.parent,
    has_recipe: version.recipe !== null,
  }
}

function body(dataset: Dataset) {
  return {
    name: dataset.name,
    description: dataset.description,
    licence: dataset.licence,
    created_at_ms: dataset.createdAtMs,
    created_by: dataset.createdBy,
    version_count: dataset.versionCount,
    latest: dataset.latest === null ? null : summary(dataset.latest),
  }
}

async function versionBody(ctx: Context, project: Project, version: DatasetVersion) {
  const dataset = await getDataset(ctx, project.id, version.dataset)
  const files = await versionFiles(ctx, version.id)
  return {
    ...summary(version),
    dataset: version.dataset,
    description: dataset.description,
    licence: dataset.licence,
    recipe: version.recipe,
    job_id: version.jobId,
    profile_error: version.profileError,
    profile: await profileOf(ctx, version.id),
    files: files.map((file) => ({ path: file.path, sha256: file.sha256, size_bytes: file.sizeBytes })),
    used_by: { runs: await runsOfDatasetVersion(ctx, project.id, version.id), versions: await madeFrom(ctx, version) },
  }
}

export function datasetsRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      base,
      {
        config: { permission: 'read' },
        schema: {
          tags,
          summary: 'List datasets',
          params: ProjectParams,
          response: { 200: Type.Object({ datasets: Type.Array(schema.DatasetBody) }) },
        },
      },
      async (request) => ({ datasets: (await listDatasets(ctx, scopeOf(request).project.id)).map(body) }),
    )

    app.post(
      base,
      {
        config: { permission: 'write' },
        schema: {
          tags,
          summary: 'Make a dataset without versions',
          params: ProjectParams,
          body: schema.NewDataset,
          response: { 201: schema.DatasetBody },
        },
      },
      async (request, reply) => {
        const { actor, project } = scopeOf(request)
        return reply.code(201).send(body(await createDataset(ctx, actor, project, request.body)))
      },
    )

    app.delete(
      `${base}/:name`,
      {
        config: { permission: 'write' },
        schema: {
          tags,
          summary: 'Delete a dataset with its versions; it can be restored',
          params: schema.DatasetParams,
          response: { 204: Type.Null() },
        },
      },
      async (request, reply) => {
        const { actor, project } = scopeOf(request)
        await deleteDataset(ctx, actor, project, request.params.name)
        return reply.code(204).send(null)
      },
    )

    app.delete(
      `${base}/:name/versions/:version`,
      {
        config: { permission: 'write' },
        schema: {
          tags,
          summary: 'Delete a version; it can be restored',
          params: schema.VersionParams,
          response: { 204: Type.Null() },
        },
      },
      async (request, reply) => {
        const { actor, project } = scopeOf(request)
        const { name, version } = request.params
        await deleteDatasetVersion(ctx, actor, project, name, String(version))
        return reply.code(204).send(null)
      },
    )

    app.get(
      `${base}/:name`,
      {
        config: { permission: 'read' },
        schema: {
          tags,
          summary: 'One dataset with its versions',
          params: schema.DatasetParams,
          response: { 200: schema.DatasetWithVersions },
        },
      },
      async (request) => {
        const dataset = await getDataset(ctx, scopeOf(request).project.id, request.params.name)
        return { ...body(dataset), versions: dataset.versions.map(summary) }
      },
    )

    await app.register(newVersionRoutes(ctx))
    await app.register(versionRoutes(ctx))
  }
}

/** How versions come to be. */
function newVersionRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  const answers = { 200: schema.VersionBody, 201: schema.VersionBody }
  return async (app) => {
    app.post(
      `${base}/:name/versions`,
      {
        config: { permission: 'write' },
        schema: {
          tags,
          summary: 'Make a version from uploaded content (200 with the latest when it has the same files)',
          params: schema.DatasetParams,
          body: schema.NewVersionBody,
          response: answers,
        },
      },
      async (request, reply) => {
        const { actor, project } = scopeOf(request)
        const files = request.body.files.map((file) => ({
          path: file.path,
          sha256: file.sha256,
          sizeBytes: file.size_bytes,
        }))
        const { version, created } = await addVersion(ctx, actor, project, {
          ...request.body,
          dataset: request.params.name,
          files,
        })
        return reply.code(created ? 201 : 200).send(await versionBody(ctx, project, version))
      },
    )

    app.post(
      `${base}/:name/versions/from-recipe`,
      {
        config: { permission: 'write' },
        schema: {
          tags,
          summary: 'Make a version by SQL steps on another version',
          params: schema.DatasetParams,
          body: schema.NewVersionFromRecipe,
          response: answers,
        },
      },
      async (request, reply) => {
        const { actor, project } = scopeOf(request)
        const { version, created } = await runRecipe(ctx, actor, project, {
          ...request.body,
          dataset: request.params.name,
        })
        return reply.code(created ? 201 : 200).send(await versionBody(ctx, project, version))
      },
    )
  }
}

/** Looking into a version. */
function versionRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  const url = `${base}/:name/versions/:version`
  const find = (project: Project, params: { name: string; version: string }) =>
    findVersion(ctx, project.id, `${params.name}@${params.version}`)
  return async (app) => {
    app.get(
      url,
      {
        config: { permission: 'read' },
        schema: {
          tags,
          summary: 'One version with its files and profile',
          params: schema.VersionParams,
          response: { 200: schema.VersionBody },
        },
      },
      async (request) => {
        const { project } = scopeOf(request)
        return versionBody(ctx, project, await find(project, request.params))
      },
    )

    app.get(
      `${url}/rows`,
      {
        config: { permission: 'read' },
        schema: {
          tags,
          summary: 'Rows of a table file',
          params: schema.VersionParams,
          querystring: schema.RowsQuery,
          response: { 200: schema.RowsPage },
        },
      },
      async (request) => {
        const { project } = scopeOf(request)
        const version = await find(project, request.params)
        const { file: path, offset = 0, limit = 100, order_by: orderBy } = request.query
        const file =
          path === undefined
            ? (await versionFiles(ctx, version.id)).find((entry) => formatOf(entry.path) !== null)
            : await versionFile(ctx, version, path)
        if (file === undefined) throw badRequest('This version has no table file (csv, tsv, parquet, jsonl).', 'file')
        return readPage(ctx, file, { offset, limit, ...(orderBy === undefined ? {} : { orderBy }) })
      },
    )

    app.get(
      `${url}/files/content`,
      {
        config: { permission: 'read' },
        schema: {
          tags,
          summary: 'Download a file (whole, or one range of bytes)',
          params: schema.VersionParams,
          querystring: schema.ContentQuery,
        },
      },
      async (request, reply) => {
        const { project } = scopeOf(request)
        const file = await versionFile(ctx, await find(project, request.params), request.query.path)
        return sendRanged(request, reply, { ...file, open: (range) => ctx.blobs.openContent(file.sha256, range) })
      },
    )
  }
}
