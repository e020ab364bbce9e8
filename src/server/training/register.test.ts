import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { finished, makeProject, pythonProject, submit, waitForJob } from '../../../tests/harness/jobs.ts'
import { startTestServer, type TestServer } from '../../../tests/harness/server.ts'
import { LOCAL } from '../../lib/actor.ts'
import { artifactPathOf, putArtifact } from '../artifacts/artifacts.service.ts'
import { findProject, type Project } from '../projects/projects.service.ts'
import { createModelVersion, versionsOfRun } from '../registry/versions.service.ts'
import { createLoggedModel, finalizeLoggedModel } from '../tracking/logged-models.service.ts'
import { runTags } from '../tracking/run-data.service.ts'
import { getRun } from '../tracking/runs.service.ts'
import { jobById } from './jobs.service.ts'
import { registerTrainedModel } from './register.service.ts'

let server: TestServer
let project: Project
beforeAll(async () => {
  server = await startTestServer({ jobSlots: '2' })
  await makeProject(server)
  project = (await findProject(server.ctx, LOCAL, 'local', 'default'))!
})
afterAll(() => server.close())

/** Waits for a file beside it, so that the test can log models while it runs. */
const WAITING = pythonProject('import os, time\nwhile not os.path.exists("go"): time.sleep(0.05)\n')
const MLMODEL = 'flavors:\n  python_function:\n    loader_module: none\n'

async function whileItRuns(job: object, work: (runId: string) => Promise<void>) {
  const made = await submit(server, WAITING, job)
  await waitForJob(server, made.id, (now) => now.state === 'running')
  await work(made.run_id)
  await writeFile(join(server.folder, 'jobs', made.id, 'work', 'go'), '')
  const { job: ended } = await finished(server, made.id)
  expect(ended.state).toBe('succeeded')
  return ended as { id: string; run_id: string }
}

async function logModel(runId: string, name: string): Promise<string> {
  const { experimentId } = await getRun(server.ctx, project.id, runId)
  const model = await createLoggedModel(server.ctx, LOCAL, project, { experimentId, name, sourceRunId: runId })
  await putText(`${artifactPathOf(model.artifactUri)}/MLmodel`)
  await finalizeLoggedModel(server.ctx, LOCAL, project, model.id, 'LOGGED_MODEL_READY')
  return model.id
}

const putText = (path: string) => putArtifact(server.ctx, project, path, Readable.from([Buffer.from(MLMODEL)]))

/** What follows a job's end is done soon, not at once. */
async function eventually<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (let i = 0; i < 200; i++) {
    const seen = await look()
    if (seen !== undefined) return seen
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('It did not happen within 10 s.')
}

const firstVersion = (runId: string) => eventually(async () => (await versionsOfRun(server.ctx, project.id, runId))[0])
const registerError = (runId: string) =>
  eventually(async () => (await runTags(server.ctx, project.id, runId))['trainyard.register_error'])

describe('register_as', () => {
  it("registers the run's one logged model, once", async () => {
    let modelId = ''
    const job = await whileItRuns({ register_as: 'income' }, async (runId) => {
      modelId = await logModel(runId, 'model')
    })
    const version = await firstVersion(job.run_id)
    expect(version).toMatchObject({
      name: 'income',
      version: 1,
      source: `models:/${modelId}`,
      runId: job.run_id,
      loggedModelId: modelId,
    })
    await registerTrainedModel(server.ctx, await jobById(server.ctx, job.id))
    expect(await versionsOfRun(server.ctx, project.id, job.run_id)).toHaveLength(1)
  })

  it('takes the artifact folder "model" of an older client', async () => {
    const job = await whileItRuns({ register_as: 'income' }, async (runId) => {
      const run = await getRun(server.ctx, project.id, runId)
      await putText(`${artifactPathOf(run.artifactUri)}/model/MLmodel`)
    })
    expect(await firstVersion(job.run_id)).toMatchObject({
      name: 'income',
      version: 2,
      source: `runs:/${job.run_id}/model`,
    })
  })

  it('leaves it to code that registered a model itself', async () => {
    const job = await whileItRuns({ register_as: 'income' }, async (runId) => {
      const source = `models:/${await logModel(runId, 'model')}`
      await createModelVersion(server.ctx, LOCAL, project, { name: 'own', source, runId, createModel: true })
    })
    await registerTrainedModel(server.ctx, await jobById(server.ctx, job.id))
    expect((await versionsOfRun(server.ctx, project.id, job.run_id)).map((version) => version.name)).toEqual(['own'])
  })

  it('says at the run why nothing was registered', async () => {
    const none = await whileItRuns({ register_as: 'income' }, async () => {})
    expect(await registerError(none.run_id)).toContain('no model')
    const two = await whileItRuns({ register_as: 'income' }, async (runId) => {
      await logModel(runId, 'first')
      await logModel(runId, 'second')
    })
    expect(await registerError(two.run_id)).toContain('2 models')
    const silent = await whileItRuns({}, async (runId) => void (await logModel(runId, 'model')))
    expect(await versionsOfRun(server.ctx, project.id, silent.run_id)).toEqual([])
  })
})
