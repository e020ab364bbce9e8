import { badRequest } from '../../lib/errors.ts'

/** Longest texts, in characters, as MLflow 3 has them. */
export const LIMITS = {
  key: 250,
  paramValue: 6_000,
  tagValue: 8_000,
  experimentName: 500,
  experimentTagValue: 20_000,
  artifactLocation: 2_048,
  runName: 8_000,
  loggedModelName: 500,
  /** MLflow keeps the values of logged models whole, whatever their length; a message of ours ends somewhere. */
  loggedModelValue: 1_000_000,
  datasetName: 500,
  datasetDigest: 36,
  datasetSourceType: 36,
  datasetSource: 65_535,
  datasetSchema: 1_048_575,
  datasetProfile: 16_777_215,
  inputTagKey: 255,
  inputTagValue: 500,
} as const

/** Most entries of one batch. */
export const BATCH = { metrics: 1_000, params: 100, tags: 100, total: 1_000, datasets: 1_000, models: 1_000 } as const

const KEY = /^[/\p{L}\p{N}_.\- :]*$/u

/**
 * Checks the key of a metric, param or tag: letters, digits and `_ - . : /` and spaces, a normal relative path.
 * @throws AppError bad_request naming `field`
 */
export function checkKey(key: string, field: string): string {
  if (key === '') {
    throw badRequest(
      `Missing value for required parameter '${field}'. See the API docs for more information about request parameters.`,
      field,
    )
  }
  checkLength(key, field, LIMITS.key)
  const shown = key.slice(0, 100)
  if (!KEY.test(key)) {
    throw badRequest(
      `Invalid value "${shown}" for parameter '${field}' supplied: Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).`,
      field,
    )
  }
  if (key.startsWith('..') || key.split('/').some((part) => part === '' || part === '.' || part === '..')) {
    throw badRequest(
      `Invalid value "${shown}" for parameter '${field}' supplied: Names may be treated as files in certain cases, and must not resolve to other names when treated as such.`,
      field,
    )
  }
  return key
}

/** @throws AppError bad_request when the text is longer than `limit` characters or holds NUL, which PostgreSQL cannot store */
export function checkLength(text: string, field: string, limit: number): string {
  if (text.length > limit && [...text].length > limit) {
    throw badRequest(
      `'${field}' exceeds the maximum length of ${limit} characters: it has ${[...text].length} ("${text.slice(0, 50)}…").`,
      field,
    )
  }
  if (text.includes('\0')) throw badRequest(`'${field}' must not hold a NUL character.`, field)
  return text
}

/** The first `limit` characters: param and tag values are cut rather than refused, as MLflow does. */
export function truncated(text: string, field: string, limit: number): string {
  if (text.includes('\0')) throw badRequest(`'${field}' must not hold a NUL character.`, field)
  return text.length <= limit ? text : [...text].slice(0, limit).join('')
}

/** @throws AppError bad_request when a batch has more than `limit` entries */
export function checkCount(count: number, field: string, limit: number): void {
  if (count > limit) {
    throw badRequest(
      `A batch logging request can contain at most ${limit} ${field}. Got ${count} ${field}. Please split up ${field} across multiple requests and try again.`,
      field,
    )
  }
}
