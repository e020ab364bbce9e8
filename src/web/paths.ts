/** Every address of the UI, in one place: pages link through these, so that a URL changes here only. */
export type Scope = { owner: string; project: string }

type Query = Record<string, string | null | undefined>

const seg = encodeURIComponent

function at({ owner, project }: Scope, ...rest: string[]): string {
  return `/${[owner, project, ...rest].map(seg).join('/')}`
}

/** `path?key=value`, leaving out what is null, undefined or empty. */
export function withQuery(path: string, query: Query): string {
  const pairs = Object.entries(query).filter(
    (pair): pair is [string, string] => pair[1] !== null && pair[1] !== undefined && pair[1] !== '',
  )
  return pairs.length === 0 ? path : `${path}?${new URLSearchParams(pairs).toString()}`
}

export const paths = {
  home: () => '/',
  login: (next?: string) => withQuery('/login', { next }),
  apiReference: () => '/api-reference',
  project: (scope: Scope) => at(scope),
  data: (scope: Scope) => at(scope, 'data'),
  dataset: (scope: Scope, dataset: string) => at(scope, 'data', dataset),
  datasetVersion: (scope: Scope, dataset: string, version: number | string, tab?: string) =>
    withQuery(at(scope, 'data', dataset, 'versions', String(version)), { tab }),
  jobs: (scope: Scope) => at(scope, 'jobs'),
  job: (scope: Scope, job: string) => at(scope, 'jobs', job),
  runs: (scope: Scope, query: Query = {}) => withQuery(at(scope, 'runs'), query),
  run: (scope: Scope, run: string, tab?: string) => withQuery(at(scope, 'runs', run), { tab }),
  traces: (scope: Scope, query: Query = {}) => withQuery(at(scope, 'runs', 'traces'), query),
  trace: (scope: Scope, trace: string, span?: string) => withQuery(at(scope, 'runs', 'traces', trace), { span }),
  models: (scope: Scope) => at(scope, 'models'),
  model: (scope: Scope, model: string) => at(scope, 'models', model),
  modelVersion: (scope: Scope, model: string, version: number | string, tab?: string) =>
    withQuery(at(scope, 'models', model, 'versions', String(version)), { tab }),
  endpoints: (scope: Scope) => at(scope, 'endpoints'),
  endpoint: (scope: Scope, endpoint: string) => at(scope, 'endpoints', endpoint),
  endpointPredictions: (scope: Scope, endpoint: string) => at(scope, 'endpoints', endpoint, 'predictions'),
  endpointMonitoring: (scope: Scope, endpoint: string) => at(scope, 'endpoints', endpoint, 'monitoring'),
  endpointUse: (scope: Scope, endpoint: string) => at(scope, 'endpoints', endpoint, 'use'),
  monitoring: (scope: Scope) => at(scope, 'monitoring'),
  decision: (scope: Scope, decision: string) => at(scope, 'monitoring', 'decisions', decision),
  catalogue: (scope: Scope) => at(scope, 'catalogue'),
  recycleBin: (scope: Scope) => at(scope, 'recycle-bin'),
  settings: (scope: Scope, tab?: string) => withQuery(at(scope, 'settings'), { tab }),
}
