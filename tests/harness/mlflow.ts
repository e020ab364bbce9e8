import type { TestAnswer, TestServer } from './server.ts'

/** MLflow's REST API of a test server, as raw HTTP: below the root, or below a project's tracking URI. */
export type MlflowApi = {
  get(path: string, query?: Record<string, string | string[] | undefined>): Promise<TestAnswer>
  send(method: string, path: string, body?: unknown): Promise<TestAnswer>
  post(path: string, body?: unknown): Promise<TestAnswer>
  /** Artifact bytes: `path` is put into the URL as it is. */
  put(path: string, bytes: string | Uint8Array, headers?: Record<string, string>): Promise<TestAnswer>
  experiment(name: string): Promise<string>
  run(experimentId?: string, more?: Record<string, unknown>): Promise<string>
}

export const ARTIFACTS = '/api/2.0/mlflow-artifacts/artifacts'

export function mlflowApi(server: TestServer, options: { prefix?: string; token?: string } = {}): MlflowApi {
  const { prefix = '', token } = options
  const at = (path: string) => `${prefix}${path.startsWith('/') ? path : `/api/2.0/mlflow/${path}`}`
  const api: MlflowApi = {
    get(path, query = {}) {
      const search = new URLSearchParams(
        Object.entries(query).flatMap(([key, value]) => [value ?? []].flat().map((one) => [key, one])),
      )
      return server.request('GET', `${at(path)}${search.size === 0 ? '' : `?${search}`}`, { token })
    },
    send: (method, path, body = {}) => server.request(method, at(path), { body, token }),
    post: (path, body = {}) => api.send('POST', path, body),
    async put(path, bytes, headers = {}) {
      const answer = await fetch(`${server.url}${prefix}${path}`, {
        method: 'PUT',
        body: bytes as BodyInit,
        headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers },
      })
      const text = await answer.text()
      return {
        status: answer.status,
        text,
        body: text.startsWith('{') ? JSON.parse(text) : null,
        headers: answer.headers,
      }
    },
    experiment: async (name) => (await api.post('experiments/create', { name })).body.experiment_id,
    async run(experimentId = '0', more = {}) {
      const made = await api.post('runs/create', { experiment_id: experimentId, start_time: 1_000, ...more })
      return made.body.run.info.run_id
    },
  }
  return api
}
