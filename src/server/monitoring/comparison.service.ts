import type { Context } from '../../context.ts'
import { AppError } from '../../lib/errors.ts'
import { comparePaired, PAIRED_METHOD } from '../../lib/statistics.ts'
import { readRows } from '../datasets/tables.service.ts'
import type { ModelVersion } from '../registry/versions.service.ts'
import { predictRows } from '../serving/predict.service.ts'
import type { ComparedSet, Comparison, Rule, Trigger } from './decisions.service.ts'
import type { DecisionRow } from './decisions.store.ts'
import { labelledPredictions } from './feedback.store.ts'
import type { PolicySpec } from './policies.service.ts'
import { truthOf } from './retraining.service.ts'
import type { RetrainingPlan } from './retraining-plan.service.ts'
import { isHeldOut, sameOutcome } from './truth.ts'

type LabelledRows = { rows: Record<string, unknown>[]; truths: unknown[] }

/** Reference rows that are read at most, from the top of the test file. */
const MAX_TEST_ROWS = 5_000
const MAX_FEEDBACK_ROWS = 20_000
/** Fewer held-out rows prove nothing, whatever they say. */
const MIN_HELD_OUT = 20

/**
 * Lets champion and challenger answer the same rows and judges by the rules of the policy as it was when it fired:
 * (a) feedback that the challenger was not trained on: the share held out of the window that set the decision off, and
 * all that came since; (b) the reference test file.
 * @throws AppError as serving's when one of the two cannot predict now (unavailable: try again)
 */
export async function compare(
  ctx: Context,
  row: DecisionRow,
  plan: RetrainingPlan,
  challenger: ModelVersion,
): Promise<Comparison> {
  const spec = JSON.parse(row.spec) as PolicySpec
  const signature = sameInputs(plan, challenger)
  if (!signature.passed) return { method: PAIRED_METHOD, sets: [], rules: [signature] }
  const feedback = await compareOn(
    ctx,
    'held-out feedback',
    plan,
    challenger,
    await heldOutFeedback(ctx, row, spec.holdout_share),
  )
  const reference = await compareOn(
    ctx,
    `reference test (${plan.test.path})`,
    plan,
    challenger,
    await referenceRows(ctx, plan),
  )
  return {
    method: PAIRED_METHOD,
    sets: [feedback, reference].filter((set) => set !== null),
    rules: [signature, ...gainRules(spec, feedback), regressionRule(spec, reference)],
  }
}

/** What callers send must go on working after a promotion. */
function sameInputs(plan: RetrainingPlan, challenger: ModelVersion): Rule {
  const described = (version: ModelVersion) =>
    (version.mlmodel?.signature?.inputs ?? [])
      .map(
        (column) =>
          `${column.name ?? ''}:${column.type}${column.required ? '' : '?'}${column.shape === undefined ? '' : `[${column.shape.join(',')}] ${column.dtype}`}`,
      )
      .sort()
      .join(', ')
  const before = described(plan.champion)
  const after = described(challenger)
  return {
    text:
      before === after
        ? 'The challenger takes the same inputs'
        : `The challenger takes other inputs: ${after || 'none that are known'} instead of ${before}`,
    passed: before === after,
  }
}

async function heldOutFeedback(ctx: Context, row: DecisionRow, share: number): Promise<LabelledRows> {
  const trigger = JSON.parse(row.trigger) as Trigger
  const labelled = await labelledPredictions(ctx.db, row.endpoint_id, {
    predictedSinceMs: trigger.from_ms,
    limit: MAX_FEEDBACK_ROWS,
  })
  const unseen = labelled
    .filter((one) => one.labelled_at_ms > row.created_at_ms || isHeldOut(one.inputs, share))
    .filter((one) => truthOf(one) !== undefined)
  return { rows: unseen.map((one) => JSON.parse(one.inputs) as Record<string, unknown>), truths: unseen.map(truthOf) }
}

/** Rows of the test file with nothing missing that a model needs. */
async function referenceRows(ctx: Context, plan: RetrainingPlan): Promise<LabelledRows> {
  const { columns, rows } = await readRows(ctx, plan.test.sha256, plan.test.path, { limit: MAX_TEST_ROWS })
  const missing = [...plan.inputs.map((input) => input.name), plan.label].find(
    (name) => !columns.some((column) => column.name === name),
  )
  if (missing !== undefined)
    throw new AppError(
      'unprocessable',
      `${plan.test.path} of ${plan.base.dataset}@${plan.base.version} lacks the column "${missing}".`,
    )
  const complete = rows.filter(
    (row) => row[plan.label] != null && plan.inputs.every((input) => !input.required || row[input.name] != null),
  )
  return {
    rows: complete.map((row) => Object.fromEntries(plan.inputs.map((input) => [input.name, row[input.name]]))),
    truths: complete.map((row) => row[plan.label]),
  }
}

async function compareOn(
  ctx: Context,
  name: string,
  plan: RetrainingPlan,
  challenger: ModelVersion,
  labelled: LabelledRows,
): Promise<ComparedSet | null> {
  if (labelled.rows.length === 0) return null
  const answers = async (version: ModelVersion) => {
    const { outputs } = await predictRows(ctx, version, labelled.rows)
    return outputs.map((output, i) => sameOutcome(output.value, labelled.truths[i]))
  }
  const result = comparePaired(await answers(plan.champion), await answers(challenger))
  return {
    name,
    rows: result.rows,
    champion: result.first,
    challenger: result.second,
    difference: result.difference,
    interval: result.interval,
  }
}

function gainRules(spec: PolicySpec, set: ComparedSet | null): Rule[] {
  const rows = set?.rows ?? 0
  const enough: Rule = {
    text: `There are at least ${MIN_HELD_OUT} held-out labelled predictions (${rows})`,
    passed: rows >= MIN_HELD_OUT,
  }
  if (set === null) return [enough]
  return [
    enough,
    {
      text: `On held-out feedback the challenger gains at least ${percent(spec.min_gain)} (${signed(set.difference)})`,
      passed: set.difference >= spec.min_gain,
    },
    {
      text: `The gain is no chance: its 95 % interval lies above 0 (${signed(set.interval[0])} to ${signed(set.interval[1])})`,
      passed: set.interval[0] > 0,
    },
  ]
}

function regressionRule(spec: PolicySpec, set: ComparedSet | null): Rule {
  if (set === null) return { text: 'The reference test has no row that can be compared', passed: false }
  return {
    text: `On the reference test it loses at most ${percent(spec.max_regression)} (${signed(set.difference)})`,
    passed: set.difference >= -spec.max_regression,
  }
}

/** 0.0123 → `1.23 %-points`: a difference of accuracies, not a relative change. */
function percent(share: number): string {
  return `${Number((share * 100).toFixed(2))} %-points`
}

function signed(share: number): string {
  return `${share >= 0 ? '+' : '−'}${Math.abs(share * 100).toFixed(2)}`
}
