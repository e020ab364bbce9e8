import { setTimeout as sleep } from 'node:timers/promises'
import { enqueueTask } from '../../src/server/events/tasks.service.ts'
import type { Project } from '../../src/server/projects/projects.service.ts'
import { upload } from './datasets.ts'
import { pythonProject, uploadCode } from './jobs.ts'
import { addModelRow, type ModelRow, type NewModelRow, ownedProject } from './model-rows.ts'
import type { TestServer } from './server.ts'

const BASE = '/api/v1/projects/local/default'
const KINDS = ['setosa', 'versicolor', 'virginica'] as const
export type Kind = (typeof KINDS)[number]
export type Flower = { colour: string; age: number; petal_width: number; kind: string }

/** Flower number `i`: what iris-like.onnx recognises without a mistake, and iris-weak.onnx when it is no virginica. */
export function flower(i: number, kind: Kind = KINDS[i % 3] as Kind): Flower {
  const step = KINDS.indexOf(kind)
  const colour = step === 0 ? 'white' : i % 5 === 0 ? 'blue' : 'violet'
  return { colour, age: 10 + 10 * step + (i % 5), petal_width: 0.3 + step + ((i * 7) % 50) / 100, kind }
}

/** Flowers of which every `n`th is a virginica, so that iris-weak.onnx is right in 1 − 1/n of them. */
export function flowers(count: number, n: number): Flower[] {
  return Array.from({ length: count }, (_, i) =>
    flower(i, i % n === 0 ? 'virginica' : i % 2 === 0 ? 'setosa' : 'versicolor'),
  )
}

function csv(rows: Flower[]): string {
  const lines = rows.map((row) => `${row.colour},${row.age},${row.petal_width},${row.kind}`)
  return `colour,age,petal_width,kind\n${lines.join('\n')}\n`
}

export type Watched = { name: string; project: Project; champion: ModelRow; jobId: string; runId: string }

/**
 * A model whose champion (iris-weak.onnx) came from a real job on a real dataset version, served by an endpoint of the same
 * name. Only the job's Python did not run: the server must have no job slots.
 */
export async function watchedEndpoint(
  server: TestServer,
  name: string,
  options: { test?: Flower[] } = {},
): Promise<Watched> {
  const project = await ownedProject(server, 'local', 'default')
  const test = options.test ?? flowers(300, 3)
  const files = [
    { path: 'train.csv', content: csv(flowers(60, 3)) },
    { path: 'test.csv', content: csv(test) },
  ]
  await upload(server, BASE, name, files)
  const code = await uploadCode(server, pythonProject('print(1)', { depth: { type: 'int', default: 3 }, data: 'path' }))
  const job = await server.request('POST', `${BASE}/jobs`, {
    body: {
      code_digest: code,
      dataset: `${name}@1`,
      experiment: 'flowers',
      register_as: name,
      parameters: { depth: 4 },
    },
  })
  if (job.status !== 201) throw new Error(job.text)
  const { id: jobId, run_id: runId } = job.body
  await endJob(server, jobId, 'succeeded')
  const champion = await addModelRow(server, project, { name, runId, onnx: 'iris-weak.onnx', alias: 'champion' })
  const endpoint = await server.request('POST', `${BASE}/endpoints`, { body: { name, model: name, alias: 'champion' } })
  if (endpoint.status !== 201) throw new Error(endpoint.text)
  return { name, project, champion, jobId, runId }
}

/** What a runner would write at the end of a job, without the follow-up. */
async function endJob(server: TestServer, id: string, state: 'succeeded' | 'failed', error: string | null = null) {
  const change = { state, error, finished_at_ms: Date.now() }
  await server.ctx.db.updateTable('jobs').set(change).where('id', '=', id).execute()
}

/** Ends the retraining's job as a runner would, with the challenger that its code would have logged. */
export async function finishRetraining(
  server: TestServer,
  watched: Watched,
  jobId: string,
  challenger: Omit<NewModelRow, 'name' | 'runId'> | { error: string },
): Promise<ModelRow | null> {
  const { run_id } = await server.ctx.db
    .selectFrom('jobs')
    .select('run_id')
    .where('id', '=', jobId)
    .executeTakeFirstOrThrow()
  const failed = 'error' in challenger
  await endJob(server, jobId, failed ? 'failed' : 'succeeded', failed ? challenger.error : null)
  const made = failed
    ? null
    : await addModelRow(server, watched.project, { ...challenger, name: watched.name, runId: run_id })
  await enqueueTask(server.ctx, { kind: 'job.finished', payload: { job_id: jobId } })
  return made
}

/** Predicts by the endpoint and says what really was. Returns the ids, in the rows' order. */
export async function traffic(server: TestServer, name: string, rows: Flower[]): Promise<string[]> {
  const answer = await server.request('POST', `${BASE}/endpoints/${name}/predict`, {
    body: { rows: rows.map(({ kind: _kind, ...inputs }) => inputs) },
  })
  if (answer.status !== 200) throw new Error(answer.text)
  const ids = answer.body.predictions.map((one: { id: string }) => one.id) as string[]
  const feedback = ids.map((id, i) => ({ prediction_id: id, truth: rows[i]?.kind }))
  const said = await server.request('POST', `${BASE}/endpoints/${name}/feedback`, { body: { feedback } })
  if (said.status !== 200) throw new Error(said.text)
  return ids
}

/** The newest decision of an endpoint as soon as it is as wished. */
export async function decisionWhen(
  server: TestServer,
  name: string,
  // biome-ignore lint/suspicious/noExplicitAny: tests look into any answer
  wished: (decision: any) => boolean,
  // biome-ignore lint/suspicious/noExplicitAny: tests look into any answer
): Promise<any> {
  let last: unknown = null
  for (const end = Date.now() + 15_000; Date.now() < end; await sleep(40)) {
    const { body } = await server.request('GET', `${BASE}/decisions?endpoint=${name}`)
    last = body.decisions[0] ?? null
    if (last !== null && wished(last)) return last
  }
  throw new Error(`the decision never became so: ${JSON.stringify(last)}`)
}

export const ENDED = ['promoted', 'refused', 'failed', 'waiting']
const POLICY = { threshold: 0.8, window: 200, min_samples: 100 }

/** What the tests of policies and decisions ask of a server. */
export function monitoringOf(server: TestServer) {
  const put = (name: string, policy: object) =>
    server.request('PUT', `${BASE}/endpoints/${name}/policy`, { body: policy })
  return {
    put,
    watch: (name: string, policy: object = {}) => put(name, { ...POLICY, ...policy }),
    policy: async (name: string) => (await server.request('GET', `${BASE}/endpoints/${name}/policy`)).body,
    evaluate: async (name: string) => (await server.request('POST', `${BASE}/endpoints/${name}/policy/evaluate`)).body,
    decisions: async (name: string) =>
      (await server.request('GET', `${BASE}/decisions?endpoint=${name}`)).body.decisions,
    ended: (name: string) => decisionWhen(server, name, (decision) => ENDED.includes(decision.state)),
    /** The version behind the alias `champion`. */
    async champion(name: string): Promise<number | undefined> {
      const row = await server.ctx.db
        .selectFrom('model_aliases as a')
        .innerJoin('registered_models as m', 'm.id', 'a.model_id')
        .innerJoin('model_versions as v', 'v.id', 'a.version_id')
        .select('v.version')
        .where('m.name', '=', name)
        .where('a.alias', '=', 'champion')
        .executeTakeFirst()
      return row?.version
    },
    /** An endpoint whose accuracy has just fallen below the threshold, and its decision as soon as the job is submitted. */
    async fallen(name: string, policy: object = {}, options: { test?: Flower[] } = {}) {
      const watched = await watchedEndpoint(server, name, options)
      const made = await put(name, { ...POLICY, ...policy })
      if (made.status !== 200) throw new Error(made.text)
      const ids = await traffic(server, name, flowers(200, 3))
      return { watched, ids, decision: await decisionWhen(server, name, (decision) => decision.job_id !== null) }
    },
  }
}
