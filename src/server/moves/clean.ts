import { AppError } from '../../lib/errors.ts'
import { checkKey } from '../tracking/limits.ts'
import type { Report } from './report.ts'
import type { Pair } from './types.ts'

/**
 * A foreign thing with texts that can be stored: no NUL (PostgreSQL has none), no half characters. What had to be changed
 * is reported once for the thing.
 */
export function cleaned<T>(thing: T, where: string, report: Report): T {
  let changed = 0
  const clean = (value: unknown): unknown => {
    if (typeof value === 'string') {
      if (!value.includes('\0') && value.isWellFormed()) return value
      changed += 1
      return value.toWellFormed().replaceAll('\0', '\ufffd')
    }
    if (Array.isArray(value)) return value.map(clean)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, clean(inner)]))
  }
  const result = clean(thing) as T
  if (changed > 0) report.problem(where, `${changed} texts held NUL or half a character, which became "\ufffd"`)
  return result
}

/** Whether a key is one that our clients may write; else the reason. */
export function keyProblem(key: string): string | null {
  try {
    checkKey(key, 'key')
    return null
  } catch (error) {
    if (error instanceof AppError) return error.message
    throw error
  }
}

/** Those pairs whose keys are legal, the last of each key; others are reported, values that are too long are cut there. */
export function storable(
  pairs: readonly Pair[],
  what: { where: string; kind: string; longest: number },
  report: Report,
): Pair[] {
  const kept = new Map<string, string>()
  for (const { key, value } of pairs) {
    const problem = keyProblem(key)
    if (problem !== null) report.problem(what.where, `the ${what.kind} was left out: ${problem}`)
    else {
      if (value.length > what.longest && [...value].length > what.longest)
        report.problem(what.where, `the ${what.kind} "${key}" was cut to ${what.longest} characters`)
      kept.set(key, value)
    }
  }
  return [...kept].map(([key, value]) => ({ key, value }))
}
