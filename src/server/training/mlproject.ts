import { badRequest } from '../../lib/errors.ts'
import * as yaml from '../../lib/yaml.ts'

/** One `parameters` entry of an entry point. `null` as default: it must be given. */
export type ParameterSpec = { type: string; default: string | null }
export type EntryPoint = { name: string; parameters: Map<string, ParameterSpec>; command: string }

/** A parsed `MLproject` file (the MLflow Projects format). */
export type MlProject = { name: string | null; pythonEnv: string | null; entryPoints: Map<string, EntryPoint> }

export type ParameterValue = string | number | boolean

const INTEGER = /^[+-]?\d+$/
const FLOAT = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$|^[+-]?(inf|infinity|nan)$/i
const URI = /^[A-Za-z][A-Za-z0-9+.-]*:/
const MAX_VALUE_LENGTH = 10_000

/**
 * Parses the text of an `MLproject` file.
 * @throws AppError bad_request (field `code_digest`) saying what is wrong in it
 */
export function parseMlproject(text: string): MlProject {
  const root = asRecord(parseYaml(text, 'MLproject'), 'MLproject')
  for (const key of ['conda_env', 'docker_env', 'databricks_spark_job']) {
    if (root[key] !== undefined) {
      throw wrong(
        `MLproject uses ${key}, which this server cannot run. Describe the environment with python_env instead.`,
      )
    }
  }
  const entryPoints = new Map<string, EntryPoint>()
  for (const [name, value] of Object.entries(asRecord(root.entry_points ?? {}, 'entry_points'))) {
    entryPoints.set(name, parseEntryPoint(name, value))
  }
  if (entryPoints.size === 0) throw wrong('MLproject has no entry_points.')
  return { name: optionalText(root.name, 'name'), pythonEnv: optionalText(root.python_env, 'python_env'), entryPoints }
}

/** YAML without surprises: no custom tags, few aliases, a clear error. */
export function parseYaml(text: string, file: string): unknown {
  try {
    return yaml.parseYaml(text, 20)
  } catch (error) {
    throw wrong(`${file} is not valid YAML: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`)
  }
}

function parseEntryPoint(name: string, value: unknown): EntryPoint {
  const entry = asRecord(value, `entry_points.${name}`)
  const command = optionalText(entry.command, `entry_points.${name}.command`)
  if (command === null || command.trim() === '') throw wrong(`MLproject: entry point "${name}" has no command.`)
  const parameters = new Map<string, ParameterSpec>()
  for (const [key, spec] of Object.entries(asRecord(entry.parameters ?? {}, `entry_points.${name}.parameters`))) {
    parameters.set(key, parseParameter(spec, `entry_points.${name}.parameters.${key}`))
  }
  return { name, parameters, command }
}

function parseParameter(value: unknown, where: string): ParameterSpec {
  if (value === null || value === undefined) return { type: 'string', default: null }
  if (typeof value === 'string') return { type: value, default: null }
  const spec = asRecord(value, where)
  const given = spec.default
  const known = given === undefined || given === null || ['string', 'number', 'boolean'].includes(typeof given)
  if (!known) throw wrong(`MLproject: ${where}.default must be a text or a number.`)
  return {
    type: optionalText(spec.type, `${where}.type`) ?? 'string',
    default: given === undefined || given === null ? null : String(given),
  }
}

/** What a job knows that a parameter may need: which files its code has, and whether it has a dataset. */
export type ParameterScope = { hasDataset: boolean; hasFile: (path: string) => boolean }

/**
 * The effective parameters of a job: what was given, checked against the entry point, and defaults for the rest. The
 * parameter `data` may stay open when the job has a dataset; its folder is filled in when the job starts.
 * @throws AppError bad_request naming `parameters.<name>`
 */
export function resolveParameters(
  entry: EntryPoint,
  given: Record<string, ParameterValue>,
  scope: ParameterScope,
): Record<string, ParameterValue> {
  for (const key of Object.keys(given)) {
    if (!entry.parameters.has(key)) {
      const known = [...entry.parameters.keys()].join(', ') || 'none'
      throw badRequest(`Entry point "${entry.name}" has no parameter "${key}". It has: ${known}.`, `parameters.${key}`)
    }
  }
  const resolved: Record<string, ParameterValue> = {}
  for (const [key, spec] of entry.parameters) {
    const value = given[key] ?? spec.default
    if (value !== null) resolved[key] = checkValue(key, spec.type, value, scope)
    else if (!isDatasetParameter(key, spec, scope.hasDataset)) {
      const hint = key === 'data' ? ' Name a dataset, or give it a value.' : ''
      throw badRequest(`Entry point "${entry.name}" needs the parameter "${key}".${hint}`, `parameters.${key}`)
    }
  }
  return resolved
}

/** Whether this parameter receives the dataset's folder when it has no value. */
export function isDatasetParameter(key: string, spec: ParameterSpec, hasDataset: boolean): boolean {
  return hasDataset && key === 'data' && (spec.type === 'path' || spec.type === 'string' || spec.type === 'uri')
}

function checkValue(key: string, type: string, value: ParameterValue, scope: ParameterScope): ParameterValue {
  const field = `parameters.${key}`
  const text = String(value)
  const refuse = (what: string) => badRequest(`Parameter "${key}" must be ${what}, got "${text.slice(0, 80)}".`, field)
  if (text.length > MAX_VALUE_LENGTH)
    throw badRequest(`Parameter "${key}" is longer than ${MAX_VALUE_LENGTH} characters.`, field)
  if (text.includes('\0'))
    throw badRequest(`Parameter "${key}" holds a NUL character, which no program can receive.`, field)
  if (type === 'int' || type === 'integer') {
    if (!INTEGER.test(text)) throw refuse('a whole number')
    return Number.isSafeInteger(Number(text)) ? Number(text) : text
  }
  if (type === 'float') {
    if (!FLOAT.test(text)) throw refuse('a number')
    return typeof value === 'number' || !Number.isFinite(Number(text)) ? value : Number(text)
  }
  if (type === 'uri' && !URI.test(text)) throw refuse('a URI')
  if (type === 'path' && !text.startsWith('/') && !URI.test(text) && !scope.hasFile(text)) {
    throw badRequest(`Parameter "${key}" names "${text.slice(0, 80)}", which is not in the code snapshot.`, field)
  }
  return text
}

function asRecord(value: unknown, where: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrong(`${where === 'MLproject' ? 'MLproject' : `MLproject: ${where}`} must be a mapping.`)
  }
  return value as Record<string, unknown>
}

function optionalText(value: unknown, where: string): string | null {
  if (value === undefined || value === null) return null
  if (typeof value !== 'string') throw wrong(`MLproject: ${where} must be a text.`)
  return value
}

export function wrong(message: string): Error {
  return badRequest(message, 'code_digest')
}
