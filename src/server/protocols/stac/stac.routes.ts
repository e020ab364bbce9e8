import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Context } from '../../../context.ts'
import { toAppError } from '../../../http/errors.ts'
import { baseUrl } from '../../../http/request.ts'
import { type AppError, notFound } from '../../../lib/errors.ts'
import Type from '../../../lib/schema.ts'
import {
  CATALOG_KINDS,
  type CatalogKind,
  type CatalogPage,
  catalogEntry,
  catalogExtent,
  searchCatalog,
} from '../../catalog/catalog.service.ts'
import { itemBody } from './stac.items.ts'
import {
  CONFORMANCE,
  collectionBody,
  GEOJSON_TYPE,
  JSON_TYPE,
  landingPage,
  OPENAPI_TYPE,
  queryablesBody,
  SCHEMA_TYPE,
  type StacLink,
  stacUrls,
} from './stac.links.ts'
import {
  fromQueryString,
  isCatalogKind,
  SearchBody,
  SearchParams,
  type SearchRequest,
  toCatalogQuery,
} from './stac.query.ts'

const tags = ['catalogue']
const config = { permission: 'public' } as const
/** Everybody may send one. */
const SEARCH_LIMIT_BYTES = 1024 * 1024
/** STAC documents are open by design; what ours look like is checked against the STAC schemas in the tests. */
const open = (description: string) => ({ 200: Type.Object({}, { additionalProperties: true, description }) })
const CollectionParams = Type.Object({ collection: Type.String() })
const ItemParams = Type.Object({ collection: Type.String(), item: Type.String() })

/** The STAC API: every dataset version and model version that the caller may see, as an item. */
export function stacRoutes(ctx: Context): FastifyPluginAsyncTypebox {
  const urlsOf = (request: FastifyRequest) => stacUrls(baseUrl(request, ctx.config))

  return async (app) => {
    app.setErrorHandler((error, request, reply) => sendStacError(request, reply, toAppError(error)))
    app.setNotFoundHandler((request, reply) =>
      sendStacError(request, reply, notFound('The catalogue has no such page.')),
    )
    app.addHook('onSend', async (request, reply) => allowOtherSites(request, reply))

    app.get(
      '/',
      { config, schema: { tags, summary: 'Landing page of the STAC API', response: open('STAC Catalog') } },
      async (request) => landingPage(urlsOf(request)),
    )
    app.get(
      '/conformance',
      { config, schema: { tags, summary: 'What the STAC API can do', response: open('Conformance classes') } },
      async () => ({ conformsTo: CONFORMANCE }),
    )
    app.get(
      '/api',
      { config, schema: { tags, summary: 'OpenAPI description of the STAC API', response: open('OpenAPI') } },
      async (_request, reply) => {
        const whole = await app.openApi()
        const paths = Object.fromEntries(
          Object.entries(whole.paths ?? {}).filter(([path]) => path.startsWith('/api/stac')),
        )
        return sendAs(reply, OPENAPI_TYPE, { ...whole, paths })
      },
    )
    app.get(
      '/queryables',
      { config, schema: { tags, summary: 'Fields of items', response: open('JSON schema') } },
      async (request, reply) => sendAs(reply, SCHEMA_TYPE, queryablesBody(`${urlsOf(request).root}/queryables`)),
    )

    app.get(
      '/collections',
      { config, schema: { tags, summary: 'The collections: datasets and models', response: open('STAC Collections') } },
      async (request) => {
        const urls = urlsOf(request)
        const collections = await Promise.all(
          CATALOG_KINDS.map(async (kind) => collectionBody(urls, kind, await catalogExtent(ctx, request.actor, kind))),
        )
        const links: StacLink[] = [
          { rel: 'self', href: `${urls.root}/collections`, type: JSON_TYPE },
          { rel: 'root', href: urls.root, type: JSON_TYPE },
        ]
        return { collections, links, numberMatched: collections.length, numberReturned: collections.length }
      },
    )
    app.get(
      '/collections/:collection',
      {
        config,
        schema: { tags, summary: 'One collection', params: CollectionParams, response: open('STAC Collection') },
      },
      async (request) => {
        const kind = kindOf(request.params.collection)
        return collectionBody(urlsOf(request), kind, await catalogExtent(ctx, request.actor, kind))
      },
    )
    app.get(
      '/collections/:collection/queryables',
      {
        config,
        schema: {
          tags,
          summary: 'Fields of the items of a collection',
          params: CollectionParams,
          response: open('JSON schema'),
        },
      },
      async (request, reply) => {
        const kind = kindOf(request.params.collection)
        return sendAs(reply, SCHEMA_TYPE, queryablesBody(`${urlsOf(request).collection(kind)}/queryables`))
      },
    )
    itemRoutes(ctx, app, urlsOf)
  }
}

type StacApp = Parameters<FastifyPluginAsyncTypebox>[0]

function itemRoutes(
  ctx: Context,
  app: StacApp,
  urlsOf: (request: FastifyRequest) => ReturnType<typeof stacUrls>,
): void {
  app.get(
    '/collections/:collection/items',
    {
      config,
      schema: {
        tags,
        summary: 'The items of a collection',
        params: CollectionParams,
        querystring: SearchParams,
        response: open('GeoJSON FeatureCollection'),
      },
    },
    async (request, reply) => {
      const kind = kindOf(request.params.collection)
      const urls = urlsOf(request)
      const self = `${urls.collection(kind)}/items`
      const query = toCatalogQuery(fromQueryString(request.query))
      const kinds = (query.kinds ?? [kind]).filter((one) => one === kind)
      const page = await searchCatalog(ctx, request.actor, { ...query, kinds })
      const links: StacLink[] = [
        { rel: 'self', href: withQuery(self, request), type: GEOJSON_TYPE },
        { rel: 'collection', href: urls.collection(kind), type: JSON_TYPE },
        { rel: 'parent', href: urls.collection(kind), type: JSON_TYPE },
      ]
      return sendAs(reply, GEOJSON_TYPE, pageBody(page, urls, [...links, ...nextByGet(self, request, page)]))
    },
  )
  app.get(
    '/collections/:collection/items/:item',
    { config, schema: { tags, summary: 'One item', params: ItemParams, response: open('STAC Item') } },
    async (request, reply) => {
      const kind = kindOf(request.params.collection)
      return sendAs(
        reply,
        GEOJSON_TYPE,
        itemBody(await catalogEntry(ctx, request.actor, kind, request.params.item), urlsOf(request)),
      )
    },
  )
  app.get(
    '/search',
    {
      config,
      schema: { tags, summary: 'Search items', querystring: SearchParams, response: open('GeoJSON FeatureCollection') },
    },
    async (request, reply) => {
      const urls = urlsOf(request)
      const self = `${urls.root}/search`
      const page = await searchCatalog(ctx, request.actor, toCatalogQuery(fromQueryString(request.query)))
      return sendAs(
        reply,
        GEOJSON_TYPE,
        pageBody(page, urls, [
          { rel: 'self', href: withQuery(self, request), type: GEOJSON_TYPE },
          ...nextByGet(self, request, page),
        ]),
      )
    },
  )
  app.post(
    '/search',
    {
      config,
      bodyLimit: SEARCH_LIMIT_BYTES,
      schema: { tags, summary: 'Search items', body: SearchBody, response: open('GeoJSON FeatureCollection') },
    },
    async (request, reply) => {
      const urls = urlsOf(request)
      const body: SearchRequest = request.body
      const page = await searchCatalog(ctx, request.actor, toCatalogQuery(body))
      const href = `${urls.root}/search`
      const next: StacLink[] =
        page.next === null
          ? []
          : [{ rel: 'next', href, type: GEOJSON_TYPE, method: 'POST', body: { ...body, token: page.next } }]
      return sendAs(reply, GEOJSON_TYPE, pageBody(page, urls, [{ rel: 'self', href, type: GEOJSON_TYPE }, ...next]))
    },
  )
}

function pageBody(page: CatalogPage, urls: ReturnType<typeof stacUrls>, links: StacLink[]) {
  return {
    type: 'FeatureCollection',
    features: page.entries.map((entry) => itemBody(entry, urls)),
    links: [{ rel: 'root', href: urls.root, type: JSON_TYPE }, ...links],
    numberMatched: page.matched,
    numberReturned: page.entries.length,
  }
}

function withQuery(url: string, request: FastifyRequest): string {
  const query = request.url.split('?')[1]
  return query === undefined || query === '' ? url : `${url}?${query}`
}

function nextByGet(url: string, request: FastifyRequest, page: CatalogPage): StacLink[] {
  if (page.next === null) return []
  const query = new URLSearchParams(request.url.split('?')[1] ?? '')
  query.set('token', page.next)
  return [{ rel: 'next', href: `${url}?${query}`, type: GEOJSON_TYPE, method: 'GET' }]
}

function kindOf(collection: string): CatalogKind {
  if (isCatalogKind(collection)) return collection
  throw notFound(`There is no collection "${collection.slice(0, 100)}". There are ${CATALOG_KINDS.join(' and ')}.`)
}

/** Exactly this type, as the links promise it: Fastify would add a charset to what it serialises itself. */
function sendAs(reply: FastifyReply, type: string, body: unknown): FastifyReply {
  return reply.type(type).send(Buffer.from(JSON.stringify(body)))
}

/** STAC's error body. */
function sendStacError(request: FastifyRequest, reply: FastifyReply, error: AppError): FastifyReply {
  if (error.status >= 500) request.log.error({ err: error.cause ?? error }, 'request failed')
  if (error.status === 401) reply.header('www-authenticate', 'Bearer realm="trainyard", Basic realm="trainyard"')
  if (error.retryAfterSeconds !== undefined) reply.header('retry-after', String(error.retryAfterSeconds))
  return reply.code(error.status).type(JSON_TYPE).send({ code: error.code, description: error.message })
}

/**
 * Lets pages of other sites (STAC Browser) read what everybody may read. Never for an actor with rights: without accounts
 * the caller is the owner of everything, and any page the owner looks at could read it all.
 */
function allowOtherSites(request: FastifyRequest, reply: FastifyReply): void {
  const credentials = request.headers.cookie !== undefined || request.headers.authorization !== undefined
  const anonymous = request.actor?.kind === 'anonymous'
  if (request.method === 'GET' && anonymous && !credentials) reply.header('access-control-allow-origin', '*')
}
