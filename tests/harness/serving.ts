import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { LOCAL } from '../../src/lib/actor.ts'
import { newId } from '../../src/lib/ids.ts'
import { PACKAGE_ROOT } from '../../src/lib/package-root.ts'
import { findProject, type Project } from '../../src/server/projects/projects.service.ts'
import { type ModelVersion, modelVersionById } from '../../src/server/registry/versions.service.ts'
import type { TestServer } from './server.ts'

type Column = { name: string | null; type: string; required: boolean; shape?: number[]; dtype?: string }

/** What `tests/fixtures/iris-like.onnx` takes and gives. */
export const IRIS = {
  file: 'iris-like.onnx',
  signature: {
    inputs: [
      { name: 'colour', type: 'string', required: true },
      { name: 'age', type: 'long', required: true },
      { name: 'petal_width', type: 'double', required: true },
    ] as Column[],
    outputs: [{ name: 'kind', type: 'string', required: true }] as Column[],
  },
  interface: {
    inputs: ['colour', 'age', 'petal_width'].map((name) => ({ name, column: name, type: 'string', shape: [null, 1] })),
    outputs: {
      label: 'label',
      probabilities: 'probabilities',
      classes: ['setosa', 'versicolor', 'virginica'] as string[] | null,
    },
  },
}

/** What `tests/fixtures/regression.onnx` takes and gives: y = 2a - 3b + 1. */
export const REGRESSION = {
  file: 'regression.onnx',
  signature: {
    inputs: [{ name: null, type: 'tensor', required: true, dtype: 'float64', shape: [-1, 2] }] as Column[],
    outputs: [{ name: null, type: 'tensor', required: true, dtype: 'float64', shape: [-1, 1] }] as Column[],
  },
  interface: {
    inputs: [{ name: 'X', column: null, type: 'float', shape: [null, 2] }],
    outputs: { label: 'variable', probabilities: null, classes: null },
  },
}

export type TestModel = typeof IRIS | typeof REGRESSION

/** A project of the person without accounts. */
export async function testProject(server: TestServer, name: string): Promise<Project> {
  await server.request('POST', '/api/v1/projects', { body: { name } })
  return (await findProject(server.ctx, LOCAL, 'local', name))!
}

export async function addTestModel(server: TestServer, project: Project, name: string): Promise<string> {
  const id = newId()
  const now = Date.now()
  await server.ctx.db
    .insertInto('registered_models')
    .values({
      id,
      project_id: project.id,
      name,
      description: '',
      created_at_ms: now,
      updated_at_ms: now,
      deleted_at_ms: null,
      last_version: 0,
    })
    .execute()
  return id
}

export type TestVersion = {
  model?: TestModel
  signature?: { inputs: Column[]; outputs: Column[] } | null
  runId?: string | null
  /** State of the ONNX form; null for none. */
  form?: 'queued' | 'ready' | 'refused' | null
}

/** A version with an ONNX form as a finished conversion leaves them, made without Python. */
export async function addTestVersion(
  server: TestServer,
  project: Project,
  modelId: string,
  number: number,
  options: TestVersion = {},
): Promise<ModelVersion> {
  const { model = IRIS, form = 'ready', runId = null } = options
  const { db } = server.ctx
  const now = Date.now()
  const id = newId()
  const signature = options.signature === undefined ? model.signature : options.signature
  const mlmodel = {
    flavors: ['python_function', 'sklearn'],
    signature,
    sizeBytes: 1,
    runsCode: false,
    problem: null,
    raw: {},
  }
  await db
    .insertInto('model_versions')
    .values({
      id,
      model_id: modelId,
      project_id: project.id,
      version: number,
      source: 'models:/m-test',
      run_id: runId,
      logged_model_id: null,
      run_link: '',
      description: '',
      stage: 'None',
      status: 'READY',
      created_by: 'local',
      created_at_ms: now,
      updated_at_ms: now,
      deleted_at_ms: null,
      download_uri: '',
      artifact_path: null,
      mlmodel: JSON.stringify(mlmodel),
    })
    .execute()
  await db.updateTable('registered_models').set({ last_version: number }).where('id', '=', modelId).execute()
  if (form !== null) await putTestForm(server, project, id, model, form)
  return modelVersionById(server.ctx, id)
}

/** Sets the ONNX form of a version to a state. */
export async function putTestForm(
  server: TestServer,
  project: Project,
  versionId: string,
  model: TestModel,
  state: 'queued' | 'ready' | 'refused',
): Promise<void> {
  const { ctx } = server
  const blob =
    state === 'ready'
      ? await ctx.blobs.putContent(createReadStream(join(PACKAGE_ROOT, 'tests', 'fixtures', model.file)), {
          limitBytes: 1e6,
        })
      : null
  await ctx.db.deleteFrom('model_forms').where('version_id', '=', versionId).execute()
  await ctx.db
    .insertInto('model_forms')
    .values({
      id: newId(),
      version_id: versionId,
      project_id: project.id,
      kind: 'onnx',
      state,
      job_id: null,
      attempts: 1,
      blob_sha256: blob?.sha256 ?? null,
      size_bytes: blob?.sizeBytes ?? null,
      report: state === 'ready' ? JSON.stringify({ interface: model.interface }) : null,
      reason: state === 'refused' ? 'it cannot be converted' : null,
      created_at_ms: Date.now(),
      updated_at_ms: Date.now(),
    })
    .execute()
}
