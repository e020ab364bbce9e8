import type { FastifyInstance, FastifyServerOptions, RouteOptions } from 'fastify'
import { ErrorBody } from './errors.ts'

export type OpenApiDocument = { paths?: Record<string, unknown>; [key: string]: unknown }

type Factory = NonNullable<NonNullable<FastifyServerOptions['schemaController']>['compilersFactory']>

/**
 * Gives the app `openApi()`: the OpenAPI document of its routes, made when first asked for and kept. The generator is a
 * plugin that must see each route being registered, so it is shown them again, in an instance that serves nothing.
 */
export function installOpenApi(app: FastifyInstance, version: string): void {
  let made: Promise<OpenApiDocument> | undefined
  app.decorate('openApi', () => {
    made ??= describe(app.routeTable, version)
    return made
  })
}

async function describe(routes: readonly RouteOptions[], version: string): Promise<OpenApiDocument> {
  const [{ default: Fastify }, { default: swagger }] = await Promise.all([
    import('fastify'),
    import('@fastify/swagger'),
  ])
  const nothing = () => undefined
  const compilesNothing = { buildValidator: () => () => nothing, buildSerializer: () => () => nothing }
  const shown = Fastify({
    exposeHeadRoutes: false,
    schemaController: { compilersFactory: compilesNothing as unknown as Factory },
  })
  await shown.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Trainyard API',
        version,
        description: 'Everything the web UI and the CLI do, they do through this.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
    refResolver: { buildLocalReference: (json, _base, _fragment, index) => String(json.$id ?? `schema${index}`) },
  })
  shown.addSchema(ErrorBody)
  for (const { method, url, schema } of routes) {
    if (method === 'HEAD' || schema?.hide === true) continue
    shown.route({ method, url, ...(schema === undefined ? {} : { schema }), handler: nothing })
  }
  await shown.ready()
  const document = shown.swagger() as unknown as OpenApiDocument
  await shown.close()
  return document
}
