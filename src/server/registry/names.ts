import { badRequest } from '../../lib/errors.ts'

/** MLflow's limits (contracts/mlflow.md §8), in characters. */
const NAME_MAX = 256
const ALIAS_MAX = 255
const TAG_KEY_MAX = 250
const TAG_VALUE_MAX = 100_000
const TEXT_MAX = 100_000

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is refused here
const CONTROL = /[\u0000-\u001f\u007f]/
const ALIAS = /^[\p{L}\p{N}_-]+$/u
const KEY = /^[/\p{L}\p{N}_.\- :]+$/u

/** The tag that makes a registered model or a version an MLflow prompt. */
export const PROMPT_TAG = 'mlflow.prompt.is_prompt'

/** Checks the name of a registered model: not blank, no `/` or `:`, not `.` nor starting with `..`. @throws bad_request */
export function checkModelName(name: string, field = 'name'): string {
  if (name.trim() === '')
    throw badRequest(`Missing value for required parameter '${field}'. It must not be blank.`, field)
  if (name.length > NAME_MAX) throw badRequest(`${field} may have at most ${NAME_MAX} characters.`, field)
  if (/[/:]/.test(name) || CONTROL.test(name)) {
    throw badRequest(
      `Invalid model name '${name.slice(0, 80)}'. Names cannot contain '/' or ':' or control characters.`,
      field,
    )
  }
  if (name === '.' || name.startsWith('..')) throw badRequest(`Invalid model name '${name.slice(0, 80)}'.`, field)
  return name
}

/** Checks an alias that is looked up or deleted. @throws bad_request */
export function checkAlias(alias: string): string {
  if (alias === '') throw badRequest('Registered model alias name cannot be empty.', 'alias')
  if (!ALIAS.test(alias)) {
    throw badRequest(
      `Invalid alias name: '${alias.slice(0, 80)}'. An alias may only hold letters, digits, underscores and dashes.`,
      'alias',
    )
  }
  if (alias.length > ALIAS_MAX) throw badRequest(`An alias may have at most ${ALIAS_MAX} characters.`, 'alias')
  return alias
}

/** Checks an alias that is to be set: `latest` and `v7` are how MLflow's URIs name versions. @throws bad_request */
export function checkNewAlias(alias: string): string {
  checkAlias(alias)
  if (alias.toLowerCase() === 'latest') throw badRequest("'latest' alias name (case insensitive) is reserved.", 'alias')
  if (/^v\d+$/i.test(alias)) throw badRequest(`Version alias name '${alias}' is reserved.`, 'alias')
  return alias
}

/** Checks one tag. @throws bad_request */
export function checkTag(key: string, value: string): void {
  checkTagKey(key)
  if (value.length > TAG_VALUE_MAX)
    throw badRequest(`The value of tag '${key}' may have at most ${TAG_VALUE_MAX} characters.`, 'value')
  checkText(value, 'value')
}

/** Checks the key of a tag: MLflow's characters, and the same after POSIX path normalisation. @throws bad_request */
export function checkTagKey(key: string): void {
  if (key === '') throw badRequest('A tag needs a key.', 'key')
  if (key.length > TAG_KEY_MAX) throw badRequest(`A tag's key may have at most ${TAG_KEY_MAX} characters.`, 'key')
  const parts = key.split('/')
  const normal = !key.startsWith('..') && parts.every((part) => part !== '' && part !== '..' && part !== '.')
  if (!KEY.test(key) || !normal) {
    throw badRequest(
      `Invalid tag key '${key.slice(0, 80)}': letters, digits, "_", "-", ".", " ", ":" and single "/" between them.`,
      'key',
    )
  }
}

/** Checks free text (a description). PostgreSQL cannot store U+0000. @throws bad_request */
export function checkText(text: string, field: string): string {
  if (text.length > TEXT_MAX) throw badRequest(`${field} may have at most ${TEXT_MAX} characters.`, field)
  if (text.includes('\u0000')) throw badRequest(`${field} must not hold a NUL character.`, field)
  return text
}

const STAGES = ['None', 'Staging', 'Production', 'Archived'] as const
export type Stage = (typeof STAGES)[number]
export const ACTIVE_STAGES: readonly Stage[] = ['Staging', 'Production']

/** The stage as MLflow writes it, whatever the case it was given in. @throws bad_request */
export function canonicalStage(stage: string): Stage {
  const found = STAGES.find((known) => known.toLowerCase() === stage.toLowerCase())
  if (found === undefined)
    throw badRequest(
      `Invalid Model Version stage: ${stage.slice(0, 80)}. Value must be one of ${STAGES.join(', ')}.`,
      'stage',
    )
  return found
}

/** The version as a number. @throws bad_request when it is not a whole number */
export function versionNumber(version: string | number): number {
  const number =
    typeof version === 'number' ? version : /^[+-]?\d{1,15}$/.test(version.trim()) ? Number(version) : Number.NaN
  if (!Number.isSafeInteger(number))
    throw badRequest(`Parameter 'version' must be an integer, got '${String(version).slice(0, 80)}'.`, 'version')
  return number
}
