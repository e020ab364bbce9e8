import type { Answer } from '../api-types.ts'
import type { DatasetVersionAnswer } from '../dataset.ts'
import { deploy } from '../deploy.ts'
import { type PredictAnswer, predict } from '../predict.ts'
import { followJob, type JobAnswer, uploadCode } from '../run.ts'
import { orNull, type Stage, until } from './stage.ts'

export const MODEL = 'adult-income'
export const ENDPOINT = 'income'
const CANDIDATES = ['gradient_boosting', 'logistic', 'tree'] as const
/** The data is versioned by itself; a code snapshot holds code. */
const NOT_CODE = ['data', 'scripts']

export type Candidate = { model: string; version: number; accuracy: number }
type VersionAnswer = Answer<'/models/{name}/versions/{version}', 'get'>
type ModelAnswer = Answer<'/models/{name}', 'get'>
type RowsAnswer = Answer<'/datasets/{name}/versions/{version}/rows', 'get'>

/** Chapter 3: a few candidates, as jobs of the queue; each is registered when it succeeds. */
export async function trainCandidates(stage: Stage, data: DatasetVersionAnswer): Promise<Candidate[]> {
  const { client, narrator, page, example } = stage
  narrator.step(`Train ${CANDIDATES.length} candidates by the job queue`)
  const found = await registered(stage)
  const missing = CANDIDATES.filter((name) => !found.some((candidate) => candidate.model === name))
  if (missing.length > 0) {
    const code_digest = await uploadCode(client, example, NOT_CODE)
    const jobs: JobAnswer[] = []
    for (const name of missing) {
      jobs.push(
        await client.inProject<JobAnswer>('POST', '/jobs', {
          name,
          code_digest,
          parameters: { model: name },
          dataset: `${data.dataset}@${data.version}`,
          experiment: 'adult-income',
          register_as: MODEL,
        }),
      )
    }
    narrator.see(`${page}/jobs`)
    await Promise.all(jobs.map((job, i) => finished(stage, job, missing[i] ?? '')))
  }
  const candidates = await until(stage, 'registering the models', async () => {
    const all = await registered(stage)
    return CANDIDATES.every((name) => all.some((candidate) => candidate.model === name)) ? all : null
  })
  for (const candidate of candidates)
    narrator.fact(
      `${candidate.model.padEnd(18)} accuracy ${candidate.accuracy.toFixed(4)} on ${data.dataset}@${data.version} test rows  (v${candidate.version})`,
    )
  narrator.see(`${page}/runs`)
  return candidates
}

async function finished(stage: Stage, job: JobAnswer, name: string): Promise<void> {
  const ticker = setInterval(
    () => stage.narrator.waiting('training; the first job also builds the Python environment'),
    400,
  )
  let log = ''
  const ended = await followJob(stage.client, job.id, (text) => {
    log += text
  }).finally(() => clearInterval(ticker))
  if (ended.state !== 'succeeded')
    throw new Error(`The ${name} job ${ended.state}: ${ended.error ?? ''}\n${log.split('\n').slice(-30).join('\n')}`)
  stage.narrator.fact(`${name} trained: ${stage.page}/runs/${ended.run_id}`)
}

/** The candidates among the model's versions, oldest first: those with a test accuracy and a `model` parameter. */
async function registered(stage: Stage): Promise<Candidate[]> {
  const model = await orNull(stage.client.inProject<ModelAnswer>('GET', `/models/${MODEL}`))
  const candidates: Candidate[] = []
  for (const { version } of [...(model?.versions ?? [])].sort((a, b) => a.version - b.version)) {
    const { metrics, params } = await versionAnswer(stage, version)
    const accuracy = metrics.test_accuracy
    if (typeof accuracy === 'number' && params.model !== undefined)
      candidates.push({ model: params.model, version, accuracy })
  }
  return candidates.filter((candidate, i) => candidates.findIndex((other) => other.model === candidate.model) === i)
}

export function versionAnswer(stage: Stage, version: number): Promise<VersionAnswer> {
  return stage.client.inProject<VersionAnswer>('GET', `/models/${MODEL}/versions/${version}`)
}

/** Chapter 4: the best becomes the champion; each was converted to ONNX and compared with the original on the same rows. */
export async function crownChampion(stage: Stage, candidates: Candidate[]): Promise<Candidate> {
  const { client, narrator, page } = stage
  narrator.step('Choose the champion, convert it to ONNX')
  const best = candidates.reduce((a, b) => (b.accuracy > a.accuracy ? b : a))
  const model = await client.inProject<ModelAnswer>('GET', `/models/${MODEL}`)
  if (!model.aliases.some((alias) => alias.alias === 'champion'))
    await client.inProject('PUT', `/models/${MODEL}/aliases/champion`, { version: best.version })
  const form = await until(stage, 'converting to ONNX and checking parity', async () => {
    const { onnx } = await versionAnswer(stage, best.version)
    if (onnx === null || onnx.state === 'queued' || onnx.state === 'running') return null
    if (onnx.state === 'failed') throw new Error(`The conversion failed: ${onnx.reason}`)
    return onnx
  })
  narrator.fact(`champion → v${best.version} (${best.model})`)
  if (form.state === 'ready' && form.report !== null) {
    const { rows, label_agreement, probability } = form.report
    narrator.fact(
      `ONNX: ${((form.size_bytes ?? 0) / 1024).toFixed(0)} KiB; same label on ${((label_agreement ?? 0) * 100).toFixed(2)} % of ${rows.toLocaleString('en')} rows` +
        (probability === null ? '' : `, probabilities differ by at most ${probability.max_abs.toExponential(1)}`),
    )
  } else narrator.fact(`ONNX ${form.state}: ${form.reason}; served by a Python child instead`)
  narrator.see(`${page}/models/${MODEL}/versions/${best.version}`)
  return best
}

/** Chapter 5: one endpoint on the alias; REST and a form; milliseconds. */
export async function deployChampion(stage: Stage, data: DatasetVersionAnswer): Promise<void> {
  const { client, narrator, page } = stage
  narrator.step('Deploy it and predict')
  await deploy(client, ENDPOINT, {
    model: MODEL,
    alias: 'champion',
    description: 'Does this person earn more than 50,000 a year?',
  })
  const endpoint = await until(stage, 'loading the model', async () => {
    const found = await client.inProject<{
      url: string
      serving: { state: string; runtime: string | null; reason: string | null }
    }>('GET', `/endpoints/${ENDPOINT}`)
    if (found.serving.state === 'unavailable') throw new Error(`The endpoint is unavailable: ${found.serving.reason}`)
    return found.serving.state === 'ready' ? found : null
  })
  const [row] = await trafficRows(stage, data, 0, 1)
  if (row === undefined) throw new Error('The traffic file holds no rows.')
  const { income: truth, ...inputs } = row
  let answer: PredictAnswer = await predict(client, ENDPOINT, [inputs])
  const times: number[] = []
  for (let i = 0; i < 50; i++) {
    const startedAt = performance.now()
    answer = await predict(client, ENDPOINT, [inputs])
    times.push(performance.now() - startedAt)
  }
  const prediction = answer.predictions[0]
  narrator.fact(
    `${inputs.age} years, ${inputs.education}, ${inputs.occupation}: ${String(prediction?.value)} (truth ${String(truth)}), by ${answer.runtime}`,
  )
  narrator.fact(`one prediction over HTTP: p50 ${times.sort((a, b) => a - b)[25]?.toFixed(1)} ms`)
  narrator.fact(
    `curl -s ${endpoint.url} -H 'content-type: application/json' -d '${JSON.stringify({ dataframe_records: [inputs] })}'`,
  )
  narrator.see(`${page}/endpoints/${ENDPOINT}`)
}

/** Rows of traffic.parquet, in file order, as objects. */
export async function trafficRows(
  stage: Stage,
  data: DatasetVersionAnswer,
  offset: number,
  limit: number,
): Promise<Record<string, unknown>[]> {
  const answer = await stage.client.inProject<RowsAnswer>(
    'GET',
    `/datasets/${data.dataset}/versions/${data.version}/rows?file=traffic.parquet&offset=${offset}&limit=${limit}`,
  )
  return answer.rows.map((row) => Object.fromEntries(answer.columns.map((column, i) => [column.name, row[i]])))
}
