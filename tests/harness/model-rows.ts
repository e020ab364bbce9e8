import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { inTransaction } from '../../src/context.ts'
import { LOCAL } from '../../src/lib/actor.ts'
import { newId } from '../../src/lib/ids.ts'
import { PACKAGE_ROOT } from '../../src/lib/package-root.ts'
import { putArtifact } from '../../src/server/artifacts/artifacts.service.ts'
import { storeContent } from '../../src/server/datasets/versions.service.ts'
import { findProject, type Project } from '../../src/server/projects/projects.service.ts'
import { parseMlModel } from '../../src/server/registry/mlmodel.ts'
import type { TestServer } from './server.ts'

/** The MLmodel of tests/fixtures/iris-*.onnx, as MLflow would have written it for the scikit-learn model. */
export const IRIS_MLMODEL = `
artifact_path: model
flavors:
  python_function:
    env: {conda: conda.yaml, virtualenv: python_env.yaml}
    loader_module: mlflow.sklearn
    model_path: model.skops
    predict_fn: predict
    python_version: 3.11.7
  sklearn:
    code: null
    pickled_model: model.skops
    serialization_format: skops
    sklearn_version: 1.9.1
mlflow_version: 3.17.2
model_size_bytes: 1102
signature:
  inputs: '[{"type": "string", "name": "colour", "required": true}, {"type": "long", "name": "age", "required": true}, {"type": "double", "name": "petal_width", "required": true}]'
  outputs: '[{"type": "string", "required": true}]'
  params: null
`

export type ModelRow = { id: string; modelId: string; version: number }
export type NewModelRow = {
  name: string
  mlmodel?: string
  /** A file of tests/fixtures that becomes the version's ready ONNX form. */
  onnx?: string
  runId?: string | null
  alias?: string
  tags?: Record<string, string>
}

/**
 * Puts a version of a registered model into the database and its files into the store, without the detour over a run of
 * real Python: rows as the registry writes them.
 */
export async function addModelRow(server: TestServer, project: Project, input: NewModelRow): Promise<ModelRow> {
  const { ctx } = server
  const now = ctx.now()
  const { modelId, version } = await takeNumber(server, project, input.name)
  const id = newId(now)
  const mlmodel = input.mlmodel ?? IRIS_MLMODEL
  const folder = `1/models/m-${id}/artifacts`
  const files = { MLmodel: mlmodel, 'model.skops': 'not loaded here', 'requirements.txt': 'scikit-learn==1.9.1\n' }
  for (const [name, text] of Object.entries(files)) {
    await putArtifact(ctx, project, `${folder}/${name}`, Readable.from([Buffer.from(text)]))
  }
  // At once: what waits for a version would else find it without its form.
  await inTransaction(ctx, async (tx) => {
    await tx.db
      .insertInto('model_versions')
      .values({
        id,
        model_id: modelId,
        project_id: project.id,
        version,
        source: `mlflow-artifacts:/${folder}`,
        run_id: input.runId ?? null,
        logged_model_id: null,
        run_link: '',
        description: '',
        stage: 'None',
        status: 'READY',
        created_by: 'ada',
        created_at_ms: now,
        updated_at_ms: now,
        deleted_at_ms: null,
        download_uri: `mlflow-artifacts:/${folder}`,
        artifact_path: folder,
        mlmodel: JSON.stringify(parseMlModel(mlmodel)),
      })
      .execute()
    for (const [key, value] of Object.entries(input.tags ?? {}))
      await tx.db.insertInto('model_version_tags').values({ version_id: id, key, value }).execute()
    if (input.onnx !== undefined) await addOnnxForm({ ...server, ctx: tx }, project, id, input.onnx)
    if (input.alias !== undefined) {
      const row = { version_id: id, updated_at_ms: now, updated_by: 'ada' }
      await tx.db
        .insertInto('model_aliases')
        .values({ model_id: modelId, alias: input.alias, ...row })
        .onConflict((conflict) => conflict.columns(['model_id', 'alias']).doUpdateSet(row))
        .execute()
    }
  })
  return { id, modelId, version }
}

async function takeNumber(server: TestServer, project: Project, name: string) {
  const { ctx } = server
  const now = ctx.now()
  const found = await ctx.db
    .selectFrom('registered_models')
    .selectAll()
    .where('project_id', '=', project.id)
    .where('name', '=', name)
    .executeTakeFirst()
  if (found !== undefined) {
    const version = found.last_version + 1
    await ctx.db.updateTable('registered_models').set({ last_version: version }).where('id', '=', found.id).execute()
    return { modelId: found.id, version }
  }
  const row = { id: newId(now), project_id: project.id, name, description: 'Which iris is it?', last_version: 1 }
  await ctx.db
    .insertInto('registered_models')
    .values({ ...row, created_at_ms: now, updated_at_ms: now, deleted_at_ms: null })
    .execute()
  return { modelId: row.id, version: 1 }
}

async function addOnnxForm(server: TestServer, project: Project, versionId: string, fixture: string): Promise<void> {
  const bytes = await readFile(join(PACKAGE_ROOT, 'tests', 'fixtures', fixture))
  const blob = await storeContent(server.ctx, project, Readable.from([bytes]))
  const now = server.ctx.now()
  await server.ctx.db
    .insertInto('model_forms')
    .values({
      id: newId(now),
      version_id: versionId,
      project_id: project.id,
      kind: 'onnx',
      state: 'ready',
      job_id: null,
      blob_sha256: blob.sha256,
      size_bytes: blob.sizeBytes,
      report: JSON.stringify({
        rows: 0,
        source: 'none',
        label_agreement: null,
        labels_differing: null,
        probability: null,
        value: null,
        tolerance: { label_agreement: 1, probability_abs: 0, value_rel: 0, share: 1 },
        passed: true,
        versions: {},
        interface: {
          inputs: [],
          outputs: { label: null, probabilities: null, classes: ['setosa', 'versicolor', 'virginica'] },
        },
      }),
      reason: null,
      attempts: 1,
      created_at_ms: now,
      updated_at_ms: now,
    })
    .execute()
}

/** The project of an owner, made when absent. */
export async function ownedProject(server: TestServer, owner: string, name: string, token?: string): Promise<Project> {
  await server.request('POST', '/api/v1/projects', {
    body: { owner, name },
    ...(token === undefined ? {} : { token }),
  })
  const project = await findProject(server.ctx, LOCAL, owner, name)
  if (project === null) throw new Error(`no project ${owner}/${name}`)
  return project
}
