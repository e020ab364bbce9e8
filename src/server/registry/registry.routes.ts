import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Context } from '../../context.ts'
import { sendDownload } from '../../http/download.ts'
import { scopeOf } from '../../http/request.ts'
import Type from '../../lib/schema.ts'
import { ProjectParams } from '../projects/projects.schema.ts'
import { removeAlias, setAlias } from './aliases.service.ts'
import { deletionRoutes } from './deletion.routes.ts'
import { requestOnnx } from './forms.service.ts'
import { createModel, getModel, listModels } from './models.service.ts'
import { promotionRoutes } from './promotions.routes.ts'
import * as schema from './registry.schema.ts'
import { formBody, modelBody, summaryBody, versionBody } from './registry-bodies.ts'
import { describeVersion } from './version-changes.service.ts'
import { listVersionFiles, openOnnx, openVersionFile } from './version-files.service.ts'
import { versionDetail, versionLines } from './version-view.service.ts'
import { createModelVersion, findModelVersion, versionsOfModel } from './versions.service.ts'

const tags = ['registry']
const MODELS = '/projects/:owner/:project/models'
const VERSION = `${MODELS}/:name/versions/:version`
const read = { permission: 'read' } as const
/** A job's token too: the services check that the version is of its run. */
const write = { permission: 'write', runToken: true } as const
const Bytes = Type.Unsafe<unknown>({ type: 'string', format: 'binary' })

/** Registered models, versions and aliases of our API; MLflow clients come through protocols/mlflow. */
export function registryRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    await app.register(modelRoutes(ctx))
    await app.register(versionRoutes(ctx))
    await app.register(fileRoutes(ctx))
    await app.register(promotionRoutes(ctx))
    await app.register(deletionRoutes(ctx))
  }
}

function modelRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      MODELS,
      {
        config: read,
        schema: {
          tags,
          summary: 'List registered models',
          params: ProjectParams,
          response: { 200: schema.ModelsBody },
        },
      },
      async (request) => ({ models: (await listModels(ctx, scopeOf(request).project.id)).map(modelBody) }),
    )

    app.post(
      MODELS,
      {
        config: write,
        schema: {
          tags,
          summary: 'Add a registered model',
          params: ProjectParams,
          body: schema.NewModelBody,
          response: { 201: schema.ModelBody },
        },
      },
      async (request, reply) => {
        const { actor, project } = scopeOf(request)
        return reply.code(201).send(modelBody(await createModel(ctx, actor, project, request.body)))
      },
    )

    app.get(
      `${MODELS}/:name`,
      {
        config: read,
        schema: {
          tags,
          summary: 'One registered model with its versions, newest first',
          params: schema.ModelParams,
          response: { 200: schema.ModelWithVersions },
        },
      },
      async (request) => {
        const { project } = scopeOf(request)
        const model = await getModel(ctx, project.id, request.params.name)
        const lines = await versionLines(ctx, await versionsOfModel(ctx, project.id, model.name))
        return { ...modelBody(model), versions: lines.map(summaryBody) }
      },
    )

    app.put(
      `${MODELS}/:name/aliases/:alias`,
      {
        config: write,
        schema: {
          tags,
          summary: 'Point an alias at a version',
          params: schema.AliasParams,
          body: schema.AliasBody,
          response: { 200: schema.AliasAnswer },
        },
      },
      async (request) => {
        const { actor, project } = scopeOf(request)
        const { name, alias } = request.params
        const set = await setAlias(ctx, actor, project, name, alias, request.body.version)
        return { alias: set.alias, version: set.version }
      },
    )

    app.delete(
      `${MODELS}/:name/aliases/:alias`,
      {
        config: write,
        schema: { tags, summary: 'Remove an alias', params: schema.AliasParams, response: { 204: Type.Null() } },
      },
      async (request, reply) => {
        const { actor, project } = scopeOf(request)
        await removeAlias(ctx, actor, project, request.params.name, request.params.alias)
        return reply.code(204).send(null)
      },
    )
  }
}

function versionRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      `${MODELS}/:name/versions`,
      {
        config: write,
        schema: {
          tags,
          summary: 'Register a version; makes the model when absent',
          params: schema.ModelParams,
          body: schema.NewVersionBody,
          response: { 201: schema.VersionBody },
        },
      },
      async (request, reply) => {
        const { actor, project } = scopeOf(request)
        const { source, run_id, description } = request.body
        const input = { name: request.params.name, source, runId: run_id, description, createModel: true }
        const version = await createModelVersion(ctx, actor, project, input)
        return reply.code(201).send(versionBody(await versionDetail(ctx, actor, version)))
      },
    )

    app.get(
      VERSION,
      {
        config: read,
        schema: {
          tags,
          summary: 'One version and what stands behind it',
          params: schema.VersionParams,
          response: { 200: schema.VersionBody },
        },
      },
      async (request) => {
        const { actor, project } = scopeOf(request)
        const version = await findModelVersion(ctx, project.id, request.params.name, request.params)
        return versionBody(await versionDetail(ctx, actor, version))
      },
    )

    app.patch(
      VERSION,
      {
        config: write,
        schema: {
          tags,
          summary: 'Change the description',
          params: schema.VersionParams,
          body: schema.VersionChange,
          response: { 200: schema.VersionBody },
        },
      },
      async (request) => {
        const { actor, project } = scopeOf(request)
        const { name, version } = request.params
        return versionBody(
          await versionDetail(
            ctx,
            actor,
            await describeVersion(ctx, actor, project, name, version, request.body.description),
          ),
        )
      },
    )

    app.post(
      `${VERSION}/onnx`,
      {
        config: write,
        schema: {
          tags,
          summary: 'Convert to ONNX, in a job',
          params: schema.VersionParams,
          response: { 202: schema.FormBody },
        },
      },
      async (request, reply) => {
        const { actor, project } = scopeOf(request)
        const version = await findModelVersion(ctx, project.id, request.params.name, request.params)
        return reply.code(202).send(formBody(await requestOnnx(ctx, actor, project, version)))
      },
    )
  }
}

function fileRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      `${VERSION}/onnx/content`,
      {
        config: read,
        schema: { tags, summary: 'Download model.onnx', params: schema.VersionParams, response: { 200: Bytes } },
      },
      async (request, reply) => {
        const { name } = request.params
        const version = await findModelVersion(ctx, scopeOf(request).project.id, name, request.params)
        const { stream, sizeBytes } = await openOnnx(ctx, version)
        return sendDownload(reply, stream, `${name}-v${version.version}.onnx`, sizeBytes)
      },
    )

    app.get(
      `${VERSION}/files`,
      {
        config: read,
        schema: {
          tags,
          summary: 'List the files of a version',
          params: schema.VersionParams,
          querystring: schema.FilesQuery,
          response: { 200: schema.FilesBody },
        },
      },
      async (request) => {
        const path = request.query.path ?? ''
        const version = await findModelVersion(ctx, scopeOf(request).project.id, request.params.name, request.params)
        const files = await listVersionFiles(ctx, version, path)
        return {
          path,
          entries: files.map((file) => ({
            name: file.name,
            path: file.path,
            is_folder: file.isFolder,
            size_bytes: file.sizeBytes,
          })),
        }
      },
    )

    app.get(
      `${VERSION}/files/content`,
      {
        config: read,
        schema: {
          tags,
          summary: 'Download one file of a version',
          params: schema.VersionParams,
          querystring: schema.FileQuery,
          response: { 200: Bytes },
        },
      },
      async (request, reply) => {
        const { path } = request.query
        const version = await findModelVersion(ctx, scopeOf(request).project.id, request.params.name, request.params)
        const { stream, sizeBytes } = await openVersionFile(ctx, version, path)
        return sendDownload(reply, stream, path, sizeBytes)
      },
    )
  }
}
