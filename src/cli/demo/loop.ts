import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Answer } from '../api-types.ts'
import type { DatasetVersionAnswer } from '../dataset.ts'
import { predict } from '../predict.ts'
import { ENDPOINT, trafficRows, versionAnswer } from './models.ts'
import { type Stage, until } from './stage.ts'

/** examples/adult-income/drift.json: the realistic change of the input that the champion was not trained for. */
type Drift = {
  description: string
  set: Record<string, string>
  age_at_least: number
  threshold: number
  window: number
  min_samples: number
  unchanged_rows: number
}
type Decision = Answer<'/decisions/{decision}', 'get'>
type Performance = Answer<'/endpoints/{endpoint}/performance', 'get'>

const DECIDED = new Set(['promoted', 'refused', 'failed', 'waiting', 'undone'])
const BATCH_ROWS = 250

export type Outcome = { state: string; reason: string; challengerVersion: number | null; newAccuracy: number | null }

/**
 * Chapters 6 to 8: a policy watches; normal traffic keeps it calm; the input changes and accuracy falls; the policy
 * retrains with the feedback, compares on rows kept aside, and promotes or refuses.
 */
export async function keepWatch(stage: Stage, data: DatasetVersionAnswer): Promise<Outcome> {
  const { client, narrator, page } = stage
  const drift = JSON.parse(await readFile(join(stage.example, 'drift.json'), 'utf8')) as Drift
  narrator.step(`Watch it: below ${drift.threshold} accuracy, retrain`)
  await client.inProject('PUT', `/endpoints/${ENDPOINT}/policy`, {
    threshold: drift.threshold,
    window: drift.window,
    min_samples: drift.min_samples,
  })
  const before = (await decisions(stage))[0]
  let decision = before ?? null
  let shifted: Record<string, unknown>[] = []
  if (decision === null) {
    const rows = await allTraffic(stage, data)
    const normal = rows.slice(0, drift.unchanged_rows)
    shifted = rows
      .slice(drift.unchanged_rows)
      .filter((row) => Number(row.age) >= drift.age_at_least)
      .map((row) => ({ ...row, ...drift.set }))
    for (const batch of batches(normal)) await sendWithFeedback(stage, batch)
    narrator.fact(
      `${normal.length} rows of normal traffic with their true outcomes: accuracy ${(await accuracy(stage, drift.window))?.toFixed(4)}`,
    )
    narrator.see(`${page}/endpoints/${ENDPOINT}/monitoring`)
    narrator.step(`The world changes: ${drift.description}`)
    for (const batch of batches(shifted)) {
      await sendWithFeedback(stage, batch)
      shifted = shifted.slice(batch.length)
      narrator.fact(
        `accuracy over the last ${drift.window} labelled predictions: ${(await accuracy(stage, drift.window))?.toFixed(4)}`,
      )
      decision = (await decisions(stage))[0] ?? null
      if (decision !== null) break
    }
    if (decision === null)
      throw new Error('The accuracy never fell below the threshold: the policy had nothing to decide.')
  }
  return decide(stage, decision, shifted.slice(0, 500))
}

async function decide(stage: Stage, opened: Decision, rest: Record<string, unknown>[]): Promise<Outcome> {
  const { narrator, page } = stage
  narrator.step('The policy acts')
  narrator.fact(
    `accuracy ${opened.trigger.value.toFixed(4)} < ${opened.trigger.threshold} over ${opened.trigger.labelled} labelled predictions: retrain with the feedback`,
  )
  if (opened.job_id !== null) narrator.see(`${page}/jobs/${opened.job_id}`)
  const decision = await until(stage, 'retraining, converting, comparing', async () => {
    const found = await stage.client.inProject<Decision>('GET', `/decisions/${opened.id}`)
    return DECIDED.has(found.state) ? found : null
  })
  for (const set of decision.comparison?.sets ?? []) {
    const [low = 0, high = 0] = set.interval
    narrator.fact(
      `${set.name}: champion ${set.champion.toFixed(4)}, challenger ${set.challenger.toFixed(4)} on ${set.rows} rows (difference ${low.toFixed(4)} to ${high.toFixed(4)})`,
    )
  }
  for (const rule of decision.comparison?.rules ?? []) narrator.fact(`${rule.passed ? 'yes' : 'no '}  ${rule.text}`)
  narrator.fact(`${decision.state}: ${decision.reason ?? ''}`)
  const challengerVersion = decision.challenger?.version ?? null
  if (decision.state === 'promoted' && rest.length > 0) {
    let correct = 0
    for (const batch of batches(rest)) correct += await sendWithFeedback(stage, batch)
    narrator.fact(
      `the same endpoint, now v${challengerVersion}, on ${rest.length} more changed rows: accuracy ${(correct / rest.length).toFixed(4)}`,
    )
  }
  narrator.see(`${page}/endpoints/${ENDPOINT}/monitoring`)
  const metrics = challengerVersion === null ? {} : (await versionAnswer(stage, challengerVersion)).metrics
  return {
    state: decision.state,
    reason: decision.reason ?? '',
    challengerVersion,
    newAccuracy: decision.state === 'promoted' ? (metrics.test_accuracy ?? null) : null,
  }
}

/** Predicts the rows through the endpoint, then reports what really was. Returns how many were right. */
async function sendWithFeedback(stage: Stage, rows: Record<string, unknown>[]): Promise<number> {
  const answer = await predict(
    stage.client,
    ENDPOINT,
    rows.map(({ income: _truth, ...inputs }) => inputs),
  )
  const feedback = answer.predictions.map((prediction, i) => ({ prediction_id: prediction.id, truth: rows[i]?.income }))
  await stage.client.inProject('POST', `/endpoints/${ENDPOINT}/feedback`, { feedback })
  return answer.predictions.filter((prediction, i) => prediction.value === rows[i]?.income).length
}

async function decisions(stage: Stage): Promise<Decision[]> {
  return (await stage.client.inProject<Answer<'/decisions', 'get'>>('GET', `/decisions?endpoint=${ENDPOINT}`)).decisions
}

async function accuracy(stage: Stage, window: number): Promise<number | null> {
  // The policy looks at new feedback within a moment; give it that moment, as real traffic would.
  await new Promise((resolve) => setTimeout(resolve, 500))
  const found = await stage.client.inProject<Performance>('GET', `/endpoints/${ENDPOINT}/performance?window=${window}`)
  return found.window.value
}

async function allTraffic(stage: Stage, data: DatasetVersionAnswer): Promise<Record<string, unknown>[]> {
  const rows: Record<string, unknown>[] = []
  for (let offset = 0; ; offset += 500) {
    const page = await trafficRows(stage, data, offset, 500)
    rows.push(...page)
    if (page.length < 500) return rows
  }
}

function batches<T>(rows: T[]): T[][] {
  return Array.from({ length: Math.ceil(rows.length / BATCH_ROWS) }, (_, i) =>
    rows.slice(i * BATCH_ROWS, (i + 1) * BATCH_ROWS),
  )
}
