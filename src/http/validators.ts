import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'
import type { FastifyInstance } from 'fastify'
import { ErrorBody } from './errors.ts'

type Schema = { [key: string]: unknown }

/** Bodies are never coerced and never trimmed of unknown fields; query and params are text, so they are coerced. */
export function installValidators(app: FastifyInstance): void {
  const common = { removeAdditional: false, useDefaults: true, allErrors: false, strict: false } as const
  const strict = formats(new Ajv({ ...common, coerceTypes: false, discriminator: true }))
  const lenient = formats(new Ajv({ ...common, coerceTypes: 'array' }))
  for (const ajv of [strict, lenient]) ajv.addSchema(ErrorBody)
  app.setValidatorCompiler(({ schema, httpPart }) =>
    (httpPart === 'body' ? strict : lenient).compile(withLimits(schema) as object),
  )
}

function formats(ajv: Ajv): Ajv {
  ;(addFormats as unknown as (target: Ajv) => void)(ajv)
  return ajv
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
