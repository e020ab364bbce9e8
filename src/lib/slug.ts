import { badRequest } from './errors.ts'

const SLUG = /^[a-z0-9]+(?:-[a-z0-9]+)*$/

/** Longest owner and project names; together with `--` they fit MLflow's 63-character workspace name. */
export const OWNER_MAX_LENGTH = 30
export const PROJECT_MAX_LENGTH = 31

/** First URL segments of the server: an owner of this name would shadow a page. */
export const RESERVED_OWNERS: ReadonlySet<string> = new Set([
  'api',
  'ajax-api',
  'mlflow',
  'hub',
  'endpoints',
  'metrics',
  'health',
  'ready',
  'version',
  'assets',
  'login',
  'logout',
  'settings',
  'projects',
  'new',
  'admin',
  'catalogue',
  'get-artifact',
  'model-versions',
  'static-files',
  'workspaces',
  'v1',
])

export function isSlug(value: string): boolean {
  return SLUG.test(value)
}

/** Checks a slug (`my-project-2`); throws `bad_request` naming `field`. */
export function checkSlug(value: string, field: string, maxLength: number): string {
  if (value.length > maxLength) throw badRequest(`${field} may have at most ${maxLength} characters.`, field)
  if (!SLUG.test(value)) {
    throw badRequest(
      `${field} "${value.slice(0, 80)}" may only hold lower-case letters, digits and single dashes between them.`,
      field,
    )
  }
  return value
}

// Not a slug, but what people name datasets, models' endpoints and jobs: one path segment that survives a URL and a file system.
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/

/** Checks the name of a dataset or endpoint: one URL segment of letters, digits, `.`, `_`, `-`; at most 100 characters. */
export function checkName(value: string, field: string, maxLength = 100): string {
  if (value.length > maxLength) throw badRequest(`${field} may have at most ${maxLength} characters.`, field)
  if (!NAME.test(value)) {
    throw badRequest(
      `${field} "${value.slice(0, 80)}" may only hold letters, digits, ".", "_" and "-", and must start and end with a letter or digit.`,
      field,
    )
  }
  return value
}
