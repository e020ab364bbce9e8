import { LOCAL } from '../../src/lib/actor.ts'
import { findProject, type Project } from '../../src/server/projects/projects.service.ts'
import { type MlflowApi, mlflowApi } from './mlflow.ts'
import { startTestServer, type TestAnswer, type TestServer } from './server.ts'

export const FLOOD = '/api/v1/projects/ada/flood'
const ARTIFACTS = '/api/2.0/mlflow-artifacts/artifacts'

/** A server with the project `ada/flood`, an owner, an editor and a viewer, and calls of its recycle bin. */
export async function binWorld() {
  const server: TestServer = await startTestServer()
  const owner = await server.user('ada')
  const editor = await server.user('edgar')
  const viewer = await server.user('vera')
  await server.request('POST', '/api/v1/projects', { body: { name: 'flood' }, token: owner })
  for (const [name, role] of [
    ['edgar', 'editor'],
    ['vera', 'viewer'],
  ])
    await server.request('PUT', `${FLOOD}/members/${name}`, { body: { role }, token: owner })
  const project = (await findProject(server.ctx, LOCAL, 'ada', 'flood')) as Project
  const api: MlflowApi = mlflowApi(server, { prefix: '/mlflow/ada/flood/tracking', token: editor })
  const call = (method: string, path: string, token = owner): Promise<TestAnswer> =>
    server.request(method, `${FLOOD}/recycle-bin${path}`, { token })
  return {
    server,
    project,
    tokens: { owner, editor, viewer },
    /** The editor's MLflow client. */
    api,
    /** The bin, as the owner unless said. */
    call,
    listed: async (kind: string) => (await call('GET', `?kind=${kind}`)).body.items,
    experimentRow: (id: number) =>
      server.ctx.db.selectFrom('experiments').selectAll().where('id', '=', id).executeTakeFirst(),
    /** A run with one file in the artifacts. */
    async runWithFile(experiment: string, bytes: number): Promise<string> {
      const run = await api.run(experiment)
      const path = `${ARTIFACTS}/${experiment}/${run}/artifacts/model/weights.bin`
      const answer = await api.put(path, 'x'.repeat(bytes))
      if (answer.status !== 200) throw new Error(answer.text)
      return run
    },
  }
}
export type BinWorld = Awaited<ReturnType<typeof binWorld>>
