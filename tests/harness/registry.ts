import { Readable } from 'node:stream'
import { LOCAL } from '../../src/lib/actor.ts'
import { putArtifact } from '../../src/server/artifacts/artifacts.service.ts'
import { addProject, findProject, type Project } from '../../src/server/projects/projects.service.ts'
import { createLoggedModel, type LoggedModel } from '../../src/server/tracking/logged-models.service.ts'
import type { RunRecord } from '../../src/server/tracking/records.ts'
import { createRun } from '../../src/server/tracking/run-starts.service.ts'
import type { TestAnswer, TestServer } from './server.ts'

/** A scikit-learn model's MLmodel, as MLflow writes it. */
export const SKLEARN_MLMODEL = `
flavors:
  python_function:
    loader_module: mlflow.sklearn
    model_path: model.skops
  sklearn:
    code: null
    pickled_model: model.skops
    serialization_format: skops
    sklearn_version: 1.9.1
    skops_trusted_types:
    - sklearn.tree._tree.Tree
mlflow_version: 3.17.2
model_size_bytes: 1410801
saved_input_example_info:
  artifact_path: input_example.json
  pandas_orient: split
  type: dataframe
signature:
  inputs: '[{"type": "long", "name": "age", "required": true}, {"type": "string",
    "name": "workclass", "required": false}]'
  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 2]}}]'
  params: null
`

export async function localProject(server: TestServer, name: string): Promise<Project> {
  return (
    (await findProject(server.ctx, LOCAL, 'local', name)) ?? addProject(server.ctx, LOCAL, { owner: 'local', name })
  )
}

/** A run with a logged model whose folder holds these files. */
export async function runWithModel(
  server: TestServer,
  project: Project,
  files: Record<string, string> = {},
): Promise<{ run: RunRecord; model: LoggedModel; folder: string }> {
  const run = await createRun(server.ctx, LOCAL, project, {})
  const model = await createLoggedModel(server.ctx, LOCAL, project, {
    experimentId: run.experimentId,
    name: 'model',
    sourceRunId: run.id,
  })
  const folder = model.artifactUri.replace('mlflow-artifacts:/', '')
  for (const [path, text] of Object.entries(files)) {
    await putArtifact(server.ctx, project, `${folder}/${path}`, Readable.from([Buffer.from(text)]))
  }
  return { run, model, folder }
}

/** A caller of the MLflow door of a project. */
export function mlflow(server: TestServer, project: { owner: string; name: string }, token?: string) {
  return (method: string, path: string, message: Record<string, unknown> = {}): Promise<TestAnswer> => {
    const query = new URLSearchParams()
    for (const [key, value] of Object.entries(message)) {
      for (const item of Array.isArray(value) ? value : [value]) query.append(key, String(item))
    }
    const base = `/mlflow/${project.owner}/${project.name}/tracking/api/2.0/mlflow/${path}`
    return method === 'GET'
      ? server.request('GET', `${base}?${query}`, { token })
      : server.request(method, base, { body: message, token })
  }
}
