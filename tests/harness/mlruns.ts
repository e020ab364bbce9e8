import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { LOCAL } from '../../src/lib/actor.ts'
import { importStore } from '../../src/server/moves/import.service.ts'
import { openSource, type SourceOptions } from '../../src/server/moves/open-source.ts'
import { createReport, type Report } from '../../src/server/moves/report.ts'
import type { Reader } from '../../src/server/moves/types.ts'
import { addProject, type Project } from '../../src/server/projects/projects.service.ts'
import type { TestServer } from './server.ts'

/** An `mlruns` folder written by hand, as small as it can be, and the project that it is imported into. */
export type HandMadeStore = Awaited<ReturnType<typeof handMadeStore>>

/** As long as the ids of a file store are. */
export const EXPERIMENT = '123456789012345678'
export const NO_OPTIONS: SourceOptions = { artifactFolders: [], credentials: {}, workspace: 'default' }

let made = 0

export async function handMadeStore(server: TestServer) {
  const folder = await mkdtemp(join(tmpdir(), 'trainyard-moves-'))
  const project = await addProject(server.ctx, LOCAL, { owner: 'local', name: `p${++made}` })
  // Ids are of the whole server, and tests share one. In the order in which they are asserted.
  const id = (first: string) => first + randomBytes(16).toString('hex').slice(1)
  const put = async (path: string, text: string) => {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
  const door = (of: Project) => `/mlflow/local/${of.name}/tracking`
  const api = (of: Project) => `${door(of)}/api/2.0/mlflow`
  return {
    folder,
    project,
    RUN: id('a'),
    OTHER: id('b'),
    put,
    async experiment(id = EXPERIMENT) {
      await put(
        `${id}/meta.yaml`,
        `artifact_location: /gone/${id}\ncreation_time: 1700000000000\nexperiment_id: '${id}'\nlast_update_time: 1700000000001\nlifecycle_stage: active\nname: from afar\n`,
      )
    },
    async run(id: string, options: { artifactUri?: string; name?: string; lifecycle?: string } = {}) {
      const { artifactUri = `/gone/${EXPERIMENT}/${id}/artifacts`, name = 'first', lifecycle = 'active' } = options
      await put(
        `${EXPERIMENT}/${id}/meta.yaml`,
        `artifact_uri: ${artifactUri}\nend_time: 1700000009000\nexperiment_id: '${EXPERIMENT}'\nlifecycle_stage: ${lifecycle}\nrun_id: ${id}\nrun_name: ${name}\nstart_time: 1700000000000\nstatus: 3\nuser_id: ada\n`,
      )
      await put(`${EXPERIMENT}/${id}/params/depth`, '3')
      await put(`${EXPERIMENT}/${id}/tags/mlflow.runName`, name)
      await put(`${EXPERIMENT}/${id}/metrics/loss`, '1700000000000 0.5 -1\n1700000000001 nan 9007199254740993\n')
      await put(`${EXPERIMENT}/${id}/artifacts/notes.txt`, 'hello')
    },
    /** Imports the folder; `change` stands for a store that is not what it seems. */
    async imported(into: Project = project, change: (reader: Reader) => Reader = (reader) => reader) {
      const report = createReport()
      const reader = await openSource(folder, NO_OPTIONS, report)
      await importStore(server.ctx, { actor: LOCAL, project: into, reader: change(reader), report })
      return report
    },
    get: async (path: string, of = project) => (await server.request('GET', `${api(of)}/${path}`)).body,
    post: async (path: string, body: unknown) =>
      (await server.request('POST', `${api(project)}/${path}`, { body })).body,
    artifact: (path: string, of = project) =>
      server.request('GET', `${door(of)}/api/2.0/mlflow-artifacts/artifacts/${path}`),
  }
}

/** How many of each kind came. */
export function moved(report: Report): Record<string, number> {
  return Object.fromEntries([...report.counts].map(([what, counts]) => [what, counts.moved]))
}
