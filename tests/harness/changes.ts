import { sha256 } from './datasets.ts'

/** What earlier answers gave: ids and names that later steps put into their URLs and bodies. */
export type Found = Record<string, string>
// biome-ignore lint/suspicious/noExplicitAny: answers of a hundred routes
type Any = any

/**
 * One call of a route that changes something. `leaves`: the `verb kind` of the one audit row, or why there is none.
 * Values of the URL's parameters come from `at`, else from what was found under their name.
 */
export type Change = {
  route: string
  leaves: string | { none: string }
  body?: (found: Found) => unknown
  at?: (found: Found) => Found
  query?: (found: Found) => string
  bytes?: string
  /** Offered to MLflow's own pages only. */
  ajax?: boolean
  headers?: Record<string, string>
  keep?: (answer: Any, found: Found) => void
}

const RUN_DATA = { none: 'run data: its writer is noted once, and this one started the run' }
const ML = '/api/2.0/mlflow'
const ML3 = '/api/3.0/mlflow'
const P = '/api/v1/projects/:owner/:project'
const NOTES = 'the notes'
const content = { path: 'notes.bin', sha256: sha256(NOTES), size_bytes: Buffer.byteLength(NOTES) }
const project = 'name: demo\nentry_points:\n  main:\n    command: "python train.py"\n'
const code = { path: 'MLproject', sha256: sha256(project), size_bytes: Buffer.byteLength(project) }
const feedback = (value: boolean) => ({
  assessment_name: 'good',
  source: { source_type: 'HUMAN', source_id: 'ada' },
  feedback: { value },
})

const tracking: Change[] = [
  {
    route: `POST ${ML}/experiments/create`,
    leaves: 'created experiment',
    body: () => ({ name: 'first' }),
    keep: (answer, found) => {
      found.experiment = answer.experiment_id
    },
  },
  {
    route: `POST ${ML}/experiments/update`,
    leaves: 'updated experiment',
    body: (f) => ({ experiment_id: f.experiment, new_name: 'second' }),
  },
  {
    route: `POST ${ML}/experiments/set-experiment-tag`,
    leaves: 'updated experiment',
    body: (f) => ({ experiment_id: f.experiment, key: 'k', value: 'v' }),
  },
  {
    route: `POST ${ML}/experiments/delete-experiment-tag`,
    leaves: 'updated experiment',
    body: (f) => ({ experiment_id: f.experiment, key: 'k' }),
  },
  {
    route: `POST ${ML}/experiments/delete`,
    leaves: 'deleted experiment',
    body: (f) => ({ experiment_id: f.experiment }),
  },
  {
    route: `POST ${ML}/experiments/restore`,
    leaves: 'restored experiment',
    body: (f) => ({ experiment_id: f.experiment }),
  },
  {
    route: `POST ${ML}/runs/create`,
    leaves: 'created run',
    body: (f) => ({ experiment_id: f.experiment, start_time: 1 }),
    keep: (answer, found) => {
      found.run = answer.run.info.run_id
    },
  },
  {
    route: `POST ${ML}/runs/log-metric`,
    leaves: RUN_DATA,
    body: (f) => ({ run_id: f.run, key: 'm', value: 1, timestamp: 1 }),
  },
  { route: `POST ${ML}/runs/log-parameter`, leaves: RUN_DATA, body: (f) => ({ run_id: f.run, key: 'p', value: '1' }) },
  {
    route: `POST ${ML}/runs/log-batch`,
    leaves: RUN_DATA,
    body: (f) => ({ run_id: f.run, metrics: [{ key: 'm', value: 2, timestamp: 2 }] }),
  },
  {
    route: `POST ${ML}/runs/log-inputs`,
    leaves: 'updated run',
    body: (f) => ({
      run_id: f.run,
      datasets: [{ dataset: { name: 'd', digest: '1', source_type: 'local', source: '{}' } }],
    }),
  },
  {
    route: `POST ${ML}/runs/log-model`,
    leaves: 'updated run',
    body: (f) => ({
      run_id: f.run,
      model_json: JSON.stringify({
        artifact_path: 'model',
        run_id: f.run,
        utc_time_created: '2026-01-01',
        flavors: {},
      }),
    }),
  },
  { route: `POST ${ML}/runs/set-tag`, leaves: 'updated run', body: (f) => ({ run_id: f.run, key: 'k', value: 'v' }) },
  { route: `POST ${ML}/runs/delete-tag`, leaves: 'updated run', body: (f) => ({ run_id: f.run, key: 'k' }) },
  { route: `POST ${ML}/runs/update`, leaves: 'updated run', body: (f) => ({ run_id: f.run, run_name: 'new' }) },
  { route: `POST ${ML}/runs/delete`, leaves: 'deleted run', body: (f) => ({ run_id: f.run }) },
  { route: `POST ${ML}/runs/restore`, leaves: 'restored run', body: (f) => ({ run_id: f.run }) },
  { route: `PATCH ${P}/runs/:run`, leaves: 'updated run', body: () => ({ name: 'newer' }) },
  { route: `POST ${P}/runs/:run/delete`, leaves: 'deleted run' },
  { route: `POST ${P}/runs/:run/restore`, leaves: 'restored run' },
  {
    route: `POST ${ML}/logged-models`,
    leaves: 'created logged_model',
    body: (f) => ({ experiment_id: f.experiment, name: 'net', source_run_id: f.run }),
    keep: (answer, found) => {
      found.model_id = answer.model.info.model_id
    },
  },
  {
    route: `POST ${ML}/runs/outputs`,
    leaves: 'updated run',
    body: (f) => ({ run_id: f.run, models: [{ model_id: f.model_id, step: 1 }] }),
  },
  {
    route: `POST ${ML}/logged-models/:model_id/params`,
    leaves: 'updated logged_model',
    body: () => ({ params: [{ key: 'a', value: 'b' }] }),
  },
  {
    route: `PATCH ${ML}/logged-models/:model_id`,
    leaves: 'updated logged_model',
    body: (f) => ({ model_id: f.model_id, status: 'LOGGED_MODEL_READY' }),
  },
  {
    route: `PATCH ${ML}/logged-models/:model_id/tags`,
    leaves: 'updated logged_model',
    body: () => ({ tags: [{ key: 't', value: 'v' }] }),
  },
  {
    route: `DELETE ${ML}/logged-models/:model_id/tags/:tag_key`,
    leaves: 'updated logged_model',
    at: (f) => ({ ...f, tag_key: 't' }),
  },
]

const artifacts: Change[] = [
  {
    route: 'PUT /api/2.0/mlflow-artifacts/artifacts/*',
    leaves: 'updated run',
    at: (f) => ({ '*': `${f.experiment}/${f.run}/artifacts/model/a.txt` }),
    bytes: 'one',
  },
  {
    route: 'DELETE /api/2.0/mlflow-artifacts/artifacts/*',
    leaves: 'updated run',
    at: (f) => ({ '*': `${f.experiment}/${f.run}/artifacts/model/a.txt` }),
  },
  {
    route: `POST ${ML}/upload-artifact`,
    ajax: true,
    leaves: 'updated run',
    query: (f) => `?run_uuid=${f.run}&path=b.txt`,
    bytes: 'two',
  },
  {
    route: 'POST /api/2.0/mlflow-artifacts/mpu/create/*',
    leaves: { none: 'nothing changes before it is complete' },
    at: (f) => ({ '*': `${f.experiment}/${f.run}/artifacts` }),
    body: () => ({ path: 'big.bin', num_parts: 1 }),
    keep: (answer, found) => {
      found.upload = answer.upload_id
    },
  },
  {
    route: 'POST /api/2.0/mlflow-artifacts/mpu/abort/*',
    leaves: { none: 'nothing had changed' },
    at: (f) => ({ '*': `${f.experiment}/${f.run}/artifacts` }),
    body: (f) => ({ path: 'big.bin', upload_id: f.upload }),
  },
]

const traces: Change[] = [
  {
    route: `POST ${ML3}/traces`,
    leaves: 'created trace',
    body: (f) => ({
      trace: {
        trace_info: {
          trace_id: `tr-${'a'.repeat(32)}`,
          trace_location: { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: f.experiment } },
          request_time: '2026-01-01T00:00:00Z',
          state: 'OK',
        },
      },
    }),
    keep: (answer, found) => {
      found.trace_id = answer.trace.trace_info.trace_id
    },
  },
  {
    route: `POST ${ML}/traces`,
    leaves: 'created trace',
    body: (f) => ({ experiment_id: f.experiment, timestamp_ms: 1_000 }),
    keep: (answer, found) => {
      found.old_trace = answer.trace_info.request_id
    },
  },
  {
    route: `PATCH ${ML}/traces/:trace_id`,
    leaves: 'updated trace',
    at: (f) => ({ trace_id: f.old_trace ?? '' }),
    body: () => ({ timestamp_ms: 2_000, status: 'OK' }),
  },
  { route: `PATCH ${ML}/traces/:trace_id/tags`, leaves: 'updated trace', body: () => ({ key: 'k', value: 'v' }) },
  { route: `DELETE ${ML}/traces/:trace_id/tags`, leaves: 'updated trace', body: () => ({ key: 'k' }) },
  { route: `PATCH ${ML3}/traces/:trace_id/tags`, leaves: 'updated trace', body: () => ({ key: 'k', value: 'v' }) },
  { route: `DELETE ${ML3}/traces/:trace_id/tags`, leaves: 'updated trace', body: () => ({ key: 'k' }) },
  {
    route: `POST ${ML3}/traces/:trace_id/assessments`,
    leaves: 'updated trace',
    body: () => ({ assessment: feedback(true) }),
    keep: (answer, found) => {
      found.assessment_id = answer.assessment.assessment_id
    },
  },
  {
    route: `PATCH ${ML3}/traces/:trace_id/assessments/:assessment_id`,
    leaves: 'updated trace',
    body: () => ({ assessment: { rationale: 'why' }, update_mask: 'rationale' }),
  },
  { route: `DELETE ${ML3}/traces/:trace_id/assessments/:assessment_id`, leaves: 'updated trace' },
  {
    route: `POST ${ML}/traces/link-to-run`,
    leaves: 'updated trace',
    body: (f) => ({ trace_ids: [f.trace_id], run_id: f.run }),
  },
  {
    route: `POST ${ML}/traces/link-prompts`,
    leaves: 'updated trace',
    body: (f) => ({ trace_id: f.trace_id, prompt_versions: [{ name: 'p', version: '1' }] }),
  },
  {
    route: `POST ${ML}/traces/delete-traces`,
    leaves: 'deleted trace',
    body: (f) => ({ experiment_id: f.experiment, request_ids: [f.old_trace] }),
  },
  {
    route: `POST ${ML3}/traces/delete-traces`,
    leaves: 'deleted trace',
    body: (f) => ({ experiment_id: f.experiment, request_ids: [f.trace_id] }),
  },
  {
    route: `POST ${ML3}/datasets/create`,
    leaves: 'created evaluation_dataset',
    body: (f) => ({ name: 'questions', experiment_ids: [f.experiment] }),
    keep: (answer, found) => {
      found.dataset_id = answer.dataset.dataset_id
    },
  },
  {
    route: `PATCH ${ML3}/datasets/:dataset_id/tags`,
    leaves: 'updated evaluation_dataset',
    body: () => ({ tags: '{"k":"v"}' }),
  },
  {
    route: `DELETE ${ML3}/datasets/:dataset_id/tags/:key`,
    leaves: 'updated evaluation_dataset',
    at: (f) => ({ ...f, key: 'k' }),
  },
  {
    route: `POST ${ML3}/datasets/:dataset_id/records`,
    leaves: 'updated evaluation_dataset',
    body: () => ({ records: JSON.stringify([{ inputs: { q: 'why' } }]) }),
  },
  {
    route: `POST ${ML3}/datasets/:dataset_id/remove-experiments`,
    leaves: 'updated evaluation_dataset',
    body: (f) => ({ experiment_ids: [f.experiment] }),
  },
  {
    route: `POST ${ML3}/datasets/:dataset_id/add-experiments`,
    leaves: 'updated evaluation_dataset',
    body: (f) => ({ experiment_ids: [f.experiment] }),
  },
  { route: `DELETE ${ML3}/datasets/:dataset_id`, leaves: 'deleted evaluation_dataset' },
]

const registry: Change[] = [
  { route: `POST ${ML}/registered-models/create`, leaves: 'created model', body: () => ({ name: 'dam' }) },
  {
    route: `PATCH ${ML}/registered-models/update`,
    leaves: 'updated model',
    body: () => ({ name: 'dam', description: 'x' }),
  },
  {
    route: `POST ${ML}/registered-models/set-tag`,
    leaves: 'updated model',
    body: () => ({ name: 'dam', key: 'k', value: 'v' }),
  },
  {
    route: `DELETE ${ML}/registered-models/delete-tag`,
    leaves: 'updated model',
    body: () => ({ name: 'dam', key: 'k' }),
  },
  {
    route: `POST ${ML}/registered-models/rename`,
    leaves: 'renamed model',
    body: () => ({ name: 'dam', new_name: 'dyke' }),
  },
  {
    route: `POST ${ML}/model-versions/create`,
    leaves: 'created model_version',
    body: () => ({ name: 'dyke', source: 's3://elsewhere/a' }),
  },
  {
    route: `PATCH ${ML}/model-versions/update`,
    leaves: 'updated model_version',
    body: () => ({ name: 'dyke', version: '1', description: 'x' }),
  },
  {
    route: `POST ${ML}/model-versions/set-tag`,
    leaves: 'updated model_version',
    body: () => ({ name: 'dyke', version: '1', key: 'k', value: 'v' }),
  },
  {
    route: `DELETE ${ML}/model-versions/delete-tag`,
    leaves: 'updated model_version',
    body: () => ({ name: 'dyke', version: '1', key: 'k' }),
  },
  {
    route: `POST ${ML}/model-versions/transition-stage`,
    leaves: 'updated model_version',
    body: () => ({ name: 'dyke', version: '1', stage: 'Staging' }),
  },
  {
    route: `POST ${ML}/registered-models/alias`,
    leaves: 'promoted alias',
    body: () => ({ name: 'dyke', alias: 'champion', version: '1' }),
  },
  {
    route: `DELETE ${ML}/registered-models/alias`,
    leaves: 'deleted alias',
    body: () => ({ name: 'dyke', alias: 'champion' }),
  },
  {
    route: `DELETE ${ML}/model-versions/delete`,
    leaves: 'deleted model_version',
    body: () => ({ name: 'dyke', version: '1' }),
  },
  { route: `DELETE ${ML}/registered-models/delete`, leaves: 'deleted model', body: () => ({ name: 'dyke' }) },
  { route: `POST ${P}/models`, leaves: 'created model', body: () => ({ name: 'weir' }) },
  {
    route: `POST ${P}/models/:name/versions`,
    leaves: 'created model_version',
    at: () => ({ name: 'weir' }),
    body: () => ({ source: 's3://elsewhere/b' }),
  },
  {
    route: `POST ${P}/models/:name/copies`,
    leaves: 'created model_version',
    at: () => ({ name: 'weir' }),
    body: () => ({ project: 'ada/flood', model: 'weir', version: 1 }),
  },
  {
    route: `PATCH ${P}/models/:name/versions/:version`,
    leaves: 'updated model_version',
    at: () => ({ name: 'weir', version: '1' }),
    body: () => ({ description: 'x' }),
  },
  {
    route: `DELETE ${P}/models/:name/versions/:version`,
    leaves: 'deleted model_version',
    at: () => ({ name: 'weir', version: '2' }),
  },
  {
    route: `POST ${P}/models/:name/versions/:version/onnx`,
    leaves: 'refused form',
    at: () => ({ name: 'weir', version: '1' }),
  },
  {
    route: `PUT ${P}/models/:name/aliases/:alias`,
    leaves: 'promoted alias',
    at: () => ({ name: 'weir', alias: 'champion' }),
    body: () => ({ version: 1 }),
  },
  {
    route: `DELETE ${P}/models/:name/aliases/:alias`,
    leaves: 'deleted alias',
    at: () => ({ name: 'weir', alias: 'champion' }),
  },
  { route: `DELETE ${P}/models/:name`, leaves: 'deleted model', at: () => ({ name: 'weir' }) },
]

const data: Change[] = [
  {
    route: `PUT ${P}/blobs/:sha256`,
    leaves: { none: 'content changes nothing until a version or a snapshot uses it' },
    at: () => ({ sha256: content.sha256 }),
    bytes: NOTES,
  },
  { route: `POST ${P}/blobs/missing`, leaves: { none: 'a question' }, body: () => ({ sha256: [content.sha256] }) },
  { route: `POST ${P}/datasets`, leaves: 'created dataset', body: () => ({ name: 'gauges' }) },
  {
    route: `POST ${P}/datasets/:name/versions`,
    leaves: 'created dataset_version',
    at: () => ({ name: 'gauges' }),
    body: () => ({ files: [content] }),
  },
  {
    route: `DELETE ${P}/datasets/:name/versions/:version`,
    leaves: 'deleted dataset_version',
    at: () => ({ name: 'gauges', version: '1' }),
  },
  { route: `DELETE ${P}/datasets/:name`, leaves: 'deleted dataset', at: () => ({ name: 'gauges' }) },
  {
    route: `POST ${P}/recycle-bin/:kind/:id/restore`,
    leaves: 'restored dataset',
    at: (f) => ({ kind: 'dataset', id: f.dataset ?? '' }),
  },
  {
    route: `DELETE ${P}/recycle-bin/:kind/:id`,
    leaves: 'purged dataset_version',
    at: (f) => ({ kind: 'dataset_version', id: f.dataset_version ?? '' }),
  },
  {
    route: `PUT ${P}/blobs/:sha256`,
    leaves: { none: 'as above' },
    at: () => ({ sha256: code.sha256 }),
    bytes: project,
  },
  {
    route: `POST ${P}/code`,
    leaves: 'created code',
    body: () => ({ files: [code] }),
    keep: (answer, found) => {
      found.digest = answer.digest
    },
  },
  {
    route: `POST ${P}/jobs`,
    // The run that the job will fill comes with it.
    leaves: 'created job',
    body: (f) => ({ code_digest: f.digest }),
    keep: (answer, found) => {
      found.job = answer.id
    },
  },
  { route: `POST ${P}/jobs/:job/cancel`, leaves: 'cancelled job' },
  { route: `POST ${P}/jobs/:job/retry`, leaves: 'created job' },
]

const serving: Change[] = [
  {
    route: `POST ${P}/endpoints`,
    leaves: 'created endpoint',
    body: () => ({ name: 'iris', model: 'iris', alias: 'champion' }),
  },
  {
    route: `PATCH ${P}/endpoints/:endpoint`,
    leaves: 'updated endpoint',
    at: () => ({ endpoint: 'iris' }),
    body: () => ({ description: 'x' }),
  },
  {
    route: `POST ${P}/endpoints/:endpoint/feedback`,
    leaves: 'created feedback',
    at: () => ({ endpoint: 'iris' }),
    body: (f) => ({ feedback: [{ prediction_id: f.prediction, correct: true }] }),
  },
  { route: `DELETE ${P}/endpoints/:endpoint`, leaves: 'deleted endpoint', at: () => ({ endpoint: 'iris' }) },
]

const hook = { name: 'hook', url: 'https://93.184.215.14/hook' }
const webhooks: Change[] = [
  {
    route: `POST ${P}/webhooks`,
    leaves: 'created webhook',
    body: () => ({ ...hook, events: ['registered_model.created'] }),
    keep: (answer, found) => {
      found.webhook = answer.id
    },
  },
  { route: `PATCH ${P}/webhooks/:webhook`, leaves: 'updated webhook', body: () => ({ status: 'DISABLED' }) },
  { route: `DELETE ${P}/webhooks/:webhook`, leaves: 'deleted webhook' },
  {
    route: `POST ${ML}/webhooks`,
    leaves: 'created webhook',
    body: () => ({ ...hook, events: [{ entity: 'REGISTERED_MODEL', action: 'CREATED' }] }),
    keep: (answer, found) => {
      found.webhook_id = answer.webhook.webhook_id
    },
  },
  { route: `PATCH ${ML}/webhooks/:webhook_id`, leaves: 'updated webhook', body: () => ({ description: 'x' }) },
  { route: `DELETE ${ML}/webhooks/:webhook_id`, leaves: 'deleted webhook' },
]

const server: Change[] = [
  { route: 'POST /api/v1/projects', leaves: 'created project', body: () => ({ name: 'storm' }) },
  { route: `PATCH ${P}`, leaves: 'updated project', body: () => ({ description: 'x' }) },
  {
    route: `PUT ${P}/members/:user`,
    leaves: 'updated member',
    at: () => ({ user: 'edgar' }),
    body: () => ({ role: 'editor' }),
  },
  { route: `DELETE ${P}/members/:user`, leaves: 'deleted member', at: () => ({ user: 'edgar' }) },
  { route: `POST ${ML3}/workspaces`, leaves: 'created project', body: () => ({ name: 'ada--wind' }) },
  {
    route: `PATCH ${ML3}/workspaces/:workspace_name`,
    leaves: 'updated project',
    at: () => ({ workspace_name: 'ada--wind' }),
    body: () => ({ description: 'x' }),
  },
  {
    route: `DELETE ${ML3}/workspaces/:workspace_name`,
    leaves: 'deleted project',
    at: () => ({ workspace_name: 'ada--wind' }),
    query: () => '?mode=RESTRICT',
  },
  {
    route: 'POST /api/v1/users',
    leaves: 'created user',
    body: () => ({ name: 'newcomer', password: 'a long password 1' }),
  },
  {
    route: 'POST /api/v1/tokens',
    leaves: 'created token',
    body: () => ({ name: 'laptop' }),
    keep: (answer, found) => {
      found.token = answer.id
    },
  },
  { route: 'DELETE /api/v1/tokens/:id', leaves: 'deleted token', at: (f) => ({ id: f.token ?? '' }) },
  { route: 'POST /api/v1/reclaims', leaves: 'created reclaim', body: () => ({ dry_run: true }) },
]

/** Every call, in an order in which each finds what it needs. `before`: what must be made first, by the test. */
export const CHANGES: { before?: 'bin' | 'endpoint'; steps: Change[] }[] = [
  { steps: [...tracking, ...artifacts, ...traces] },
  { steps: [{ route: `DELETE ${ML}/logged-models/:model_id`, leaves: 'deleted logged_model' }] },
  { steps: [...registry, ...data.slice(0, 6)] },
  { before: 'bin', steps: data.slice(6) },
  { before: 'endpoint', steps: serving },
  { steps: [...webhooks, ...server] },
]

/** Routes that change something and are not fired here, with why. */
export const ELSEWHERE: Record<string, string> = {
  'POST /api/v1/session': 'src/server/identity: signs in, and is checked below',
  'DELETE /api/v1/session': 'as the sign-in',
  'PUT /api/2.0/mlflow-artifacts/mpu/parts/:upload/:part': 'a part: nothing changes before the upload is complete',
  'POST /api/2.0/mlflow-artifacts/mpu/complete/*': 'the same change as the PUT of a file, by the same service',
  'POST /v1/traces': 'spans of a trace, by the same service as POST traces',
  [`DELETE ${ML3}/datasets/:dataset_id/records`]: 'the same change as POST records, by the same service',
  [`POST ${ML}/webhooks/:webhook_id/test`]: 'a trial: nothing changes',
  [`POST ${P}/webhooks/:webhook/test`]: 'a trial: nothing changes',
  [`POST ${P}/webhooks/:webhook/deliveries/:delivery/redeliver`]: 'a delivery again: it has its own log',
  [`POST ${P}/datasets/:name/versions/from-recipe`]: 'makes a version by the same service as POST versions',
  [`PUT ${P}/endpoints/:endpoint/policy`]: 'needs a model that a job of the platform trained',
  [`POST ${P}/endpoints/:endpoint/policy/evaluate`]: 'asks for an evaluation; what it decides has its own row',
  [`POST ${P}/decisions/:decision/approve`]:
    'needs a decision that waits; src/server/monitoring/decisions.test.ts makes them',
  [`POST ${P}/decisions/:decision/undo`]: 'as approve',
}
