import type { FastifyError } from 'fastify'
import { AppError } from '../lib/errors.ts'

type Problem = NonNullable<FastifyError['validation']>[number]

const TYPES: Record<string, string> = {
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object {…}',
  null: 'null',
}

/** What a schema found wrong, as a sentence that names the field (`body.rows[0].age`) and what it may be. */
export function validationError(error: FastifyError): AppError {
  const problems = error.validation ?? []
  const first = problems[0]
  const field = (error.validationContext ?? 'body') + pathOf(first)
  const params = (first?.params ?? {}) as Record<string, unknown>
  if (typeof params.missingProperty === 'string') return refuse(join(field, params.missingProperty), 'is missing')
  if (typeof params.additionalProperty === 'string')
    return refuse(join(field, params.additionalProperty), 'is not a known field')
  const { propertyName: key } = (first ?? {}) as { propertyName?: string }
  if (first !== undefined && key !== undefined)
    return refuse(
      field,
      `holds the key ${JSON.stringify(key.slice(0, 40))}, which ${wordsFor(first, params, problems)}`,
    )
  return refuse(field, first === undefined ? 'is not valid' : wordsFor(first, params, problems))
}

function refuse(field: string, what: string): AppError {
  return new AppError('bad_request', `${field} ${what}.`, { field })
}

/** `/rows/0/age` as `.rows[0].age`. */
function pathOf(problem: Problem | undefined): string {
  return (problem?.instancePath ?? '')
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce(join, '')
}

function join(path: string, part: string): string {
  return /^\d+$/.test(part) ? `${path}[${part}]` : `${path}.${part.slice(0, 100)}`
}

function wordsFor(problem: Problem, params: Record<string, unknown>, all: readonly Problem[]): string {
  const limit = String(params.limit)
  switch (problem.keyword) {
    case 'type':
      return `must be ${typesOf(problem, all)}`
    case 'enum':
      return `must be one of ${(params.allowedValues as unknown[]).join(', ')}`
    case 'const':
      return `must be ${JSON.stringify(params.allowedValue)}`
    case 'minimum':
      return `must be at least ${limit}`
    case 'maximum':
      return `must be at most ${limit}`
    case 'minLength':
      return limit === '1' ? 'must not be empty' : `must have at least ${limit} characters`
    case 'maxLength':
      return `may have at most ${limit} characters`
    case 'minItems':
      return limit === '1' ? 'must not be an empty list' : `must have at least ${limit} entries`
    case 'maxItems':
      return `may have at most ${limit} entries`
    case 'minProperties':
      return limit === '1' ? 'must hold at least one field' : `must hold at least ${limit} fields`
    case 'maxProperties':
      return `may hold at most ${limit} fields`
    case 'pattern':
      return `does not look as it should: it must match ${String(params.pattern)}`
    default:
      return problem.message ?? 'is not valid'
  }
}

/** Of a union, every type that would do at this place. */
function typesOf(problem: Problem, all: readonly Problem[]): string {
  const types = all
    .filter((other) => other.keyword === 'type' && other.instancePath === problem.instancePath)
    .flatMap((other) => [(other.params as { type: string | string[] }).type].flat())
  return [...new Set(types)].map((type) => TYPES[type] ?? type).join(', or ')
}
