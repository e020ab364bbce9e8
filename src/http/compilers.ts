import { createRequire } from 'node:module'
import type { Ajv as AjvClass, AnySchemaObject, Options } from 'ajv'
import type { FastifyServerOptions } from 'fastify'

type Factory = NonNullable<NonNullable<FastifyServerOptions['schemaController']>['compilersFactory']>
type Check = { (data: unknown, place?: unknown): unknown; errors?: unknown; schemaEnv: true }
type Schema = { [key: string]: unknown }

export type Compilers = {
  /** For Fastify's `schemaController`. */
  factory: Factory
  /** Compiles every schema of every route now. For a test: a broken one would else be found by its first request. */
  compileAll(): void
}

/** Ajv and the serializer's builder are loaded at the first request that needs them, in the middle of a synchronous call. */
const require = createRequire(import.meta.url)

/**
 * Makes the validators and serializers of the routes, each when the first request needs it: there are some 900, compiling
 * them took longer than everything else that a start does, and most servers use a few.
 *
 * Bodies are never coerced and never trimmed of unknown fields; query and params are text, so they are coerced.
 */
export function createCompilers(): Compilers {
  const all = new Set<() => unknown>()
  const later = <T>(make: () => T): (() => T) => {
    let made: T | undefined
    const get = () => {
      made ??= make()
      return made
    }
    all.add(get)
    return get
  }
  const strict = once(() => createAjv({ coerceTypes: false, discriminator: true }))
  const lenient = once(() => createAjv({ coerceTypes: 'array' }))
  const checks = { strict: new WeakMap<object, Check>(), lenient: new WeakMap<object, Check>() }
  const writers = new WeakMap<object, (data: unknown) => string>()

  const checkOf = (schema: object, kind: 'strict' | 'lenient'): Check => {
    const known = checks[kind].get(schema)
    if (known !== undefined) return known
    const compiled = later(() =>
      (kind === 'strict' ? strict : lenient)().compile(withLimits(schema) as AnySchemaObject),
    )
    const check = ((data, place) => {
      const validate = compiled()
      const valid = validate(data, place as Parameters<typeof validate>[1])
      check.errors = validate.errors
      return valid
    }) as Check
    // Fastify then says where the value is, without which Ajv could not coerce a value that stands alone.
    check.schemaEnv = true
    checks[kind].set(schema, check)
    return check
  }
  const writerOf = (schema: object, shared: unknown): ((data: unknown) => string) => {
    const known = writers.get(schema)
    if (known !== undefined) return known
    const compiled = later(() => {
      const build = require('fast-json-stringify') as typeof import('fast-json-stringify').default
      return build(schema, { schema: shared as Record<string, never> })
    })
    const write = (data: unknown) => compiled()(data)
    writers.set(schema, write)
    return write
  }

  const factory = {
    buildValidator: () => (part: { schema: object; httpPart: string }) =>
      checkOf(part.schema, part.httpPart === 'body' ? 'strict' : 'lenient'),
    buildSerializer: (shared: unknown) => (part: { schema: object }) => writerOf(part.schema, shared),
  }
  return {
    // Fastify's type is that of Ajv's own factory, with every property that a compiled function of Ajv has.
    factory: factory as unknown as Factory,
    compileAll() {
      for (const compile of all) compile()
    },
  }
}

function createAjv(options: Options): AjvClass {
  const { Ajv } = require('ajv') as typeof import('ajv')
  const addFormats = require('ajv-formats') as (target: AjvClass) => void
  const ajv = new Ajv({ removeAdditional: false, useDefaults: true, allErrors: false, strict: false, ...options })
  addFormats(ajv)
  return ajv
}

function once<T>(make: () => T): () => T {
  let made: T | undefined
  return () => {
    made ??= make()
    return made
  }
}

/** A schema whose integers are those that JavaScript and a 64-bit column both hold exactly, unless it says less. */
function withLimits(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withLimits)
  if (typeof schema !== 'object' || schema === null) return schema
  const copy: Schema = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, withLimits(value)]))
  return copy.type === 'integer'
    ? { minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER, ...copy }
    : copy
}
