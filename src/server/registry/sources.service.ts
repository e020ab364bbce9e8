import type { Context } from '../../context.ts'
import { AppError, badRequest, notFound } from '../../lib/errors.ts'
import { pathSegments } from '../../lib/relative-path.ts'
import { artifactPathOf } from '../artifacts/artifacts.service.ts'
import { getLoggedModel } from '../tracking/logged-models.service.ts'
import { getRun } from '../tracking/runs.service.ts'
import { modelRow, PROMPT_TAG } from './models.service.ts'
import { tagsOfModels } from './models.store.ts'
import { canonicalStage } from './names.ts'
import { latestPerStage, type NamedVersionRow, versionByAlias, versionByNumber } from './versions.store.ts'

export type SourceInput = {
  source: string
  runId: string | null
  loggedModelId: string | null
  /** A prompt has no files; its source must be MLflow's placeholder. */
  isPrompt: boolean
  /** Find the run or logged model in the source when none is named. MLflow's own door demands that clients name it. */
  infer: boolean
}

export type ResolvedSource = {
  source: string
  runId: string | null
  loggedModelId: string | null
  /** Folder inside the project's artifacts; null when the files are elsewhere or there are none. */
  artifactPath: string | null
  /** What a client is told to download from. */
  downloadUri: string
}

const PROMPT_SOURCES = ['dummy-source', 'prompt-template']
const SOURCE_MAX = 2048
const RUN_ID = /^[0-9a-f]{32}$/
const MODEL_ID = /^m-[0-9a-f]{32}$/
const ARTIFACTS_SCHEME = 'mlflow-artifacts:'
const OWN_SCHEMES = new Set(['mlflow-artifacts', 'runs', 'models'])
const PROXIED = '/mlflow-artifacts/artifacts'
/** Schemes whose URI names the host that is asked, as MLflow lists them: a version could send its users to any host. */
const HOST_SCHEMES = new Set(['ftp', 'sftp', 'hdfs', 'viewfs', 'http', 'https', 'r2', 'b2', 'abfss'])

/**
 * Checks where a model version comes from and finds its folder in the project. Only `mlflow-artifacts:/`, `runs:/` and
 * `models:/` are ever followed, inside this project, and only into the run or logged model that the request names; a
 * local path is refused, because it would let a client read the server's disk; what lies in other stores is noted as
 * given and never opened (contracts/security.md).
 * @throws AppError bad_request naming `source`
 */
export async function resolveSource(ctx: Context, projectId: string, input: SourceInput): Promise<ResolvedSource> {
  const { source } = input
  if (input.isPrompt) {
    if (!PROMPT_SOURCES.includes(source)) throw refused(source, 'Prompt sources must use an MLflow placeholder.')
    return { source, runId: input.runId, loggedModelId: null, artifactPath: null, downloadUri: source }
  }
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(source)?.[1]?.toLowerCase()
  if (scheme === undefined || scheme === 'file') {
    throw refused(
      source,
      'A path on a disk cannot be a source: log the model to a run first, then register models:/m-… or runs:/….',
    )
  }
  const proxied = /^https?$/.test(scheme) ? source.indexOf(PROXIED) : -1
  checkText(source, proxied >= 0 || OWN_SCHEMES.has(scheme))
  if (scheme === 'models') return resolveModels(ctx, projectId, input)
  if (scheme === 'runs') return resolveRuns(ctx, projectId, input)
  if (scheme === 'mlflow-artifacts') return resolveArtifacts(ctx, projectId, input)
  if (proxied >= 0) {
    // The same files by their HTTP address: the same rule, but the address may be another server's, so it is not followed.
    await resolveArtifacts(ctx, projectId, {
      ...input,
      source: `${ARTIFACTS_SCHEME}${source.slice(proxied + PROXIED.length)}`,
    })
  } else checkForeign(source, scheme)
  const { loggedModelId } = input
  const model = loggedModelId === null ? null : await getLoggedModel(ctx, projectId, loggedModelId)
  const runId = input.runId ?? model?.sourceRunId ?? null
  return { source, runId, loggedModelId, artifactPath: null, downloadUri: source }
}

/** What lies in another store is taken as it is, when it names a place there and no host to be asked. */
function checkForeign(source: string, scheme: string): void {
  if (HOST_SCHEMES.has(scheme)) {
    throw refused(
      source,
      `The '${scheme}' scheme names a host, and users of the version would be sent to whatever host it is.`,
    )
  }
  if (/^[^:]+:(?:\/\/[^/?#]*)?\/*(?:[?#]|$)/.test(source)) throw refused(source, 'It names no path.')
}

function refused(source: string, why: string): AppError {
  return badRequest(`Invalid model version source: '${source.slice(0, 200)}'. ${why}`, 'source')
}

/**
 * Refuses `..`, control characters and backslashes, also behind several layers of percent-encoding; in a source that is
 * followed here (`isOwn`) fragments and parameters, too.
 */
function checkText(source: string, isOwn: boolean): void {
  if (source.length > SOURCE_MAX) throw refused(source, `It is longer than ${SOURCE_MAX} characters.`)
  for (let form = source, layers = 0; ; layers++) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is refused here
    if (/[\u0000-\u001f\u007f\\]/.test(form)) throw refused(source, 'It holds a backslash or a control character.')
    if (form.split(/[/?]/).includes('..')) throw refused(source, 'It must not hold "..".')
    if (isOwn && /[#;]/.test(form)) throw refused(source, 'It must not hold a fragment or parameters.')
    let next = form
    try {
      next = decodeURIComponent(form)
    } catch {} // a literal "%"
    if (next === form) return
    if (layers > 8) throw refused(source, 'It is percent-encoded too many times.')
    form = next
  }
}

/** The segments behind `scheme:/`; a host is refused, it would send clients and their tokens elsewhere. */
function segmentsOf(source: string): string[] {
  const rest = source.slice(source.indexOf(':') + 1)
  if (rest.startsWith('//') && !rest.startsWith('///')) throw refused(source, 'It must not name a host.')
  if (!rest.startsWith('/') || rest.includes('?')) throw refused(source, 'It must look like scheme:/path.')
  const path = rest.replace(/\/{2,}/g, '/').replace(/^\/|\/$/g, '')
  try {
    return pathSegments(decodeOnce(path))
  } catch (error) {
    throw error instanceof AppError ? refused(source, error.message) : error
  }
}

function decodeOnce(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

async function resolveModels(ctx: Context, projectId: string, input: SourceInput): Promise<ResolvedSource> {
  const { source } = input
  const [first = '', second, ...more] = segmentsOf(source)
  if (more.length > 0)
    throw refused(source, 'It must look like models:/m-…, models:/name/version or models:/name@alias.')
  if (second === undefined && MODEL_ID.test(first)) {
    if (input.loggedModelId === null ? !input.infer : input.loggedModelId !== first)
      throw mustIdentify(source, 'model_id')
    const model = await modelOrRefuse(ctx, projectId, source, first)
    return {
      source,
      runId: input.runId ?? model.sourceRunId ?? null,
      loggedModelId: first,
      artifactPath: artifactPathOf(model.artifactUri),
      downloadUri: model.artifactUri,
    }
  }
  const version = await referencedVersion(ctx, projectId, source, first, second)
  if (
    (input.runId ?? version.run_id) !== version.run_id ||
    (input.loggedModelId ?? version.logged_model_id) !== version.logged_model_id
  ) {
    throw refused(source, 'The run_id and model_id request parameters must match the referenced model version.')
  }
  return {
    source: `models:/${version.name}/${version.version}`,
    runId: version.run_id,
    loggedModelId: version.logged_model_id,
    artifactPath: version.artifact_path,
    downloadUri: version.download_uri,
  }
}

/** The version behind `models:/name/3`, `/latest`, `/Production` or `name@alias`. */
async function referencedVersion(
  ctx: Context,
  projectId: string,
  source: string,
  first: string,
  second: string | undefined,
): Promise<NamedVersionRow> {
  const at = first.lastIndexOf('@')
  if (second === undefined && at < 1)
    throw refused(source, 'It must look like models:/m-…, models:/name/version or models:/name@alias.')
  const model = await modelRow(ctx, projectId, second === undefined ? first.slice(0, at) : first)
  const tags = await tagsOfModels(ctx.db, [model.id])
  if (tags.some((tag) => tag.key === PROMPT_TAG && tag.value.toLowerCase() === 'true')) {
    throw refused(source, 'Prompt versions cannot be used as model version sources.')
  }
  let found: NamedVersionRow | undefined
  if (second === undefined) found = await versionByAlias(ctx.db, model.id, first.slice(at + 1))
  else if (/^\d+$/.test(second)) found = await versionByNumber(ctx.db, model.id, Number(second))
  else {
    const latest = await latestPerStage(ctx.db, [model.id])
    const stage = second.toLowerCase() === 'latest' ? null : canonicalStage(second)
    found = latest.filter((version) => stage === null || version.stage === stage).at(-1)
  }
  if (found === undefined && second === undefined)
    throw badRequest(`Registered model alias ${first.slice(at + 1).slice(0, 100)} not found.`, 'source')
  if (found === undefined && /^\d+$/.test(second ?? '')) {
    throw notFound(`Model Version (name=${model.name}, version=${second}) not found`)
  }
  if (found === undefined) throw refused(source, 'There is no such model version.')
  return found
}

async function resolveRuns(ctx: Context, projectId: string, input: SourceInput): Promise<ResolvedSource> {
  const { source } = input
  const [id = '', ...path] = segmentsOf(source)
  if (!RUN_ID.test(id) || path.length === 0) throw refused(source, 'It must look like runs:/<run id>/<path>.')
  if (input.loggedModelId !== null || (input.runId === null ? !input.infer : input.runId !== id))
    throw mustIdentify(source, 'run_id')
  const run = await runOrRefuse(ctx, projectId, source, id)
  const root = artifactPathOf(run.artifactUri)
  return {
    source,
    runId: id,
    loggedModelId: null,
    artifactPath: root === null ? null : [root, ...path].join('/'),
    downloadUri: source,
  }
}

async function resolveArtifacts(ctx: Context, projectId: string, input: SourceInput): Promise<ResolvedSource> {
  const { source } = input
  const segments = segmentsOf(source)
  const named = input.infer && input.runId === null && input.loggedModelId === null ? inferred(segments) : input
  const path = segments.join('/')
  const answer = {
    source,
    runId: named.runId,
    loggedModelId: named.loggedModelId,
    artifactPath: path,
    downloadUri: source,
  }
  if (named.loggedModelId !== null) {
    const model = await modelOrRefuse(ctx, projectId, source, named.loggedModelId)
    if (!isWithin(path, artifactPathOf(model.artifactUri))) throw mustIdentify(source, 'model_id')
    return { ...answer, runId: named.runId ?? model.sourceRunId ?? null }
  }
  if (named.runId === null) throw mustIdentify(source, 'run_id')
  const run = await runOrRefuse(ctx, projectId, source, named.runId)
  if (!isWithin(path, artifactPathOf(run.artifactUri))) throw mustIdentify(source, 'run_id')
  return answer
}

/** The run or logged model whose folder a path goes through; whether it is in this project is checked as for any other. */
function inferred(segments: readonly string[]): { runId: string | null; loggedModelId: string | null } {
  return {
    runId: segments.find((segment) => RUN_ID.test(segment)) ?? null,
    loggedModelId: segments.find((segment) => MODEL_ID.test(segment)) ?? null,
  }
}

function mustIdentify(source: string, field: 'run_id' | 'model_id'): AppError {
  return refused(source, `The ${field} request parameter must identify the resource that contains the source.`)
}

function isWithin(path: string, root: string | null): boolean {
  return root !== null && (path === root || path.startsWith(`${root}/`))
}

async function runOrRefuse(ctx: Context, projectId: string, source: string, id: string) {
  return orRefuse(source, 'run_id', () => getRun(ctx, projectId, id))
}

async function modelOrRefuse(ctx: Context, projectId: string, source: string, id: string) {
  return orRefuse(source, 'model_id', () => getLoggedModel(ctx, projectId, id))
}

/** What is unknown here, or belongs to another project, is a wrong source and not a missing thing. */
async function orRefuse<T>(source: string, field: 'run_id' | 'model_id', find: () => Promise<T>): Promise<T> {
  try {
    return await find()
  } catch (error) {
    if (error instanceof AppError && error.code === 'not_found') throw mustIdentify(source, field)
    throw error
  }
}
