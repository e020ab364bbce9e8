import { LOCAL } from '../../src/lib/actor.ts'
import { versionById } from '../../src/server/datasets/versions.service.ts'
import { addRunInput } from '../../src/server/tracking/inputs.service.ts'
import { logBatch } from '../../src/server/tracking/run-data.service.ts'
import { createRun } from '../../src/server/tracking/run-starts.service.ts'
import { upload } from './datasets.ts'
import { addModelRow, ownedProject } from './model-rows.ts'
import type { TestServer } from './server.ts'

export const IRIS_CSV = 'colour,age,petal_width,kind\nwhite,11,0.5,setosa\nviolet,21,1.4,versicolor\n'

/**
 * Fills a server with accounts with three dataset versions and three model versions in the private project `ada/iris`: names
 * that collide as slugs, a model with everything, one whose MLmodel says nothing, one of tensors; and a
 * prompt, which MLflow keeps as a model and which is none.
 * @returns the tokens of the owner and of somebody who may not see the project
 */
export async function fillCatalogue(server: TestServer): Promise<{ owner: string; stranger: string }> {
  const owner = await server.user('ada')
  const stranger = await server.user('stella')
  const project = await ownedProject(server, 'ada', 'iris', owner)
  const base = '/api/v1/projects/ada/iris'
  const first = await upload(server, base, 'Iris_Rows', [{ path: 'train.csv', content: IRIS_CSV }], {
    token: owner,
    extra: { licence: 'CC-BY-4.0', message: 'first' },
  })
  if (first.status !== 201) throw new Error(first.text)
  await upload(
    server,
    base,
    'Iris_Rows',
    [
      { path: 'train.csv', content: IRIS_CSV },
      { path: 'a/notes.md', content: '# notes' },
      { path: 'test.csv', content: IRIS_CSV },
    ],
    { token: owner },
  )
  await upload(server, base, 'iris.rows', [{ path: 'x.bin', content: 'bytes' }], { token: owner })
  const versions = await server.ctx.db.selectFrom('dataset_versions').selectAll().orderBy('id').execute()
  await server.ctx.db
    .updateTable('dataset_versions')
    .set({ parent_id: versions[0]?.id ?? '' })
    .where('id', '=', versions[1]?.id ?? '')
    .execute()
  const run = await createRun(server.ctx, LOCAL, project, { name: 'fit' })
  const data = await versionById(server.ctx, versions[1]?.id ?? '')
  await addRunInput(server.ctx, project, run.id, {
    name: data.dataset,
    digest: data.digest.slice(0, 36),
    sourceType: 'trainyard',
    source: '{}',
    tags: [{ key: 'mlflow.data.context', value: 'training' }],
    datasetVersionId: data.id,
  })
  await logBatch(server.ctx, LOCAL, project, run.id, {
    params: [
      { key: 'model/kind of', value: 'tree' },
      { key: 'depth', value: '5' },
    ],
    metrics: [
      { key: 'accuracy', value: 0.93, step: 0, timestampMs: 1 },
      { key: 'loss', value: Number.NaN, step: 0, timestampMs: 1 },
    ],
  })
  await addModelRow(server, project, {
    name: 'Iris',
    runId: run.id,
    onnx: 'iris-like.onnx',
    alias: 'champion',
    tags: { 'mlm.accelerator': 'amd64', 'mlm.tasks': '["nonsense"]' },
  })
  await addModelRow(server, project, { name: 'Iris', mlmodel: 'flavors: {}\n' })
  await addModelRow(server, project, {
    name: '7 of 9: tensors',
    mlmodel: `flavors:\n  pytorch: {pytorch_version: 2.13.0+cu126, model_data: data}\nsignature:\n  inputs: '[{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 3, 64, 64]}}]'\n  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 10]}}]'\n`,
  })
  const prompt = await addModelRow(server, project, { name: 'a-prompt' })
  await server.ctx.db
    .insertInto('registered_model_tags')
    .values({ model_id: prompt.modelId, key: 'mlflow.prompt.is_prompt', value: 'true' })
    .execute()
  await waitForProfiles(server)
  return { owner, stranger }
}

async function waitForProfiles(server: TestServer): Promise<void> {
  for (let i = 0; i < 300; i++) {
    const waiting = await server.ctx.db
      .selectFrom('dataset_versions')
      .select('id')
      .where('profile_state', '=', 'queued')
      .execute()
    if (waiting.length === 0) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('the profiles never came')
}
