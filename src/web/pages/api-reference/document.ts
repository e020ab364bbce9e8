type Schema = {
  [key: string]: unknown
  $ref?: string
  type?: string | string[]
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  anyOf?: Schema[]
  enum?: unknown[]
  description?: string
  additionalProperties?: unknown
}
type Content = { content?: Record<string, { schema?: Schema }>; description?: string }
type RawOperation = {
  tags?: string[]
  summary?: string
  description?: string
  parameters?: { name: string; in: string; required?: boolean; description?: string; schema?: Schema }[]
  requestBody?: Content
  responses?: Record<string, Content>
}
export type OpenApiDocument = {
  info: { title: string; version: string; description?: string }
  paths: Record<string, Record<string, RawOperation>>
  components?: { schemas?: Record<string, Schema> }
}

export type Field = { name: string; type: string; required: boolean; description: string; depth: number }
export type Operation = {
  id: string
  method: string
  path: string
  tag: string
  summary: string
  description: string
  parameters: Field[]
  body: Field[]
  answers: { status: string; fields: Field[] }[]
}
export type Reference = { title: string; version: string; operations: Operation[] }

const METHODS = ['get', 'post', 'put', 'patch', 'delete']
const MAX_DEPTH = 4

/** The document as the page shows it: operations in order, bodies and answers as flat lists of fields. */
export function readDocument(document: OpenApiDocument): Reference {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    METHODS.flatMap((method) => {
      const raw = methods[method]
      return raw === undefined ? [] : [operation(document, method, path, raw)]
    }),
  )
  return { title: document.info.title, version: document.info.version, operations }
}

function operation(document: OpenApiDocument, method: string, path: string, raw: RawOperation): Operation {
  const fields = (content: Content | undefined) => {
    const schema = content?.content?.['application/json']?.schema
    return schema === undefined ? [] : flatten(document, schema, 0)
  }
  return {
    id: `${method}-${path.replace(/[^a-z0-9]+/gi, '-').replace(/^-|-$/g, '')}`,
    method: method.toUpperCase(),
    path,
    tag: raw.tags?.[0] ?? 'other',
    summary: raw.summary ?? path,
    description: raw.description ?? '',
    parameters: (raw.parameters ?? []).map((one) => ({
      name: `${one.name} (${one.in})`,
      type: typeName(document, one.schema ?? {}),
      required: one.required === true,
      description: one.description ?? one.schema?.description ?? '',
      depth: 0,
    })),
    body: fields(raw.requestBody),
    answers: Object.entries(raw.responses ?? {})
      .filter(([status]) => status.startsWith('2'))
      .map(([status, content]) => ({ status, fields: fields(content) })),
  }
}

function flatten(document: OpenApiDocument, schema: Schema, depth: number): Field[] {
  const real = resolve(document, schema)
  const inner = real.type === 'array' && real.items !== undefined ? resolve(document, real.items) : real
  if (inner.properties === undefined || depth > MAX_DEPTH) return []
  return Object.entries(inner.properties).flatMap(([name, child]) => [
    {
      name,
      type: typeName(document, child),
      required: inner.required?.includes(name) === true,
      description: resolve(document, child).description ?? '',
      depth,
    },
    ...flatten(document, notNull(document, child), depth + 1),
  ])
}

function resolve(document: OpenApiDocument, schema: Schema): Schema {
  if (schema.$ref === undefined) return schema
  return document.components?.schemas?.[schema.$ref.split('/').at(-1) ?? ''] ?? {}
}

/** Of "this or null", this. */
function notNull(document: OpenApiDocument, schema: Schema): Schema {
  const real = resolve(document, schema)
  const options = (real.anyOf ?? []).filter((one) => one.type !== 'null')
  return options.length === 1 ? options[0]! : real
}

function typeName(document: OpenApiDocument, schema: Schema): string {
  const real = resolve(document, schema)
  if (real.enum !== undefined) return real.enum.map((value) => JSON.stringify(value)).join(' | ')
  if (real.anyOf !== undefined) return [...new Set(real.anyOf.map((one) => typeName(document, one)))].join(' | ')
  if (real.type === 'array') return `${real.items === undefined ? 'any' : typeName(document, real.items)}[]`
  if (Array.isArray(real.type)) return real.type.join(' | ')
  return real.type ?? 'any'
}
