import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PACKAGE_ROOT } from '../../../src/lib/package-root.ts'
import type { Step } from './talk.ts'

/** The MLflow whose answers are kept; ours answers for this one. */
export const RECORDED_VERSION = '3.17.2'

const FOLDER = join(PACKAGE_ROOT, 'tests', 'fixtures', 'conformance')
const fileOf = (scenario: string) => join(FOLDER, `${scenario}.jsonl`)

/** What MLflow's own server answered in a scenario. @throws Error when it was recorded with another version */
export async function recordedSteps(scenario: string): Promise<Step[]> {
  const [header = '', ...lines] = (await readFile(fileOf(scenario), 'utf8')).trimEnd().split('\n')
  const { mlflow } = JSON.parse(header) as { mlflow: string }
  if (mlflow !== RECORDED_VERSION) throw new Error(`${scenario} was recorded with MLflow ${mlflow}`)
  return lines.map((line) => JSON.parse(line) as Step)
}

/** Keeps a scenario's answers, a line a step. */
export async function keepSteps(scenario: string, version: string, steps: readonly Step[]): Promise<void> {
  await mkdir(FOLDER, { recursive: true })
  const lines = [{ mlflow: version, scenario }, ...steps].map((line) => JSON.stringify(line))
  await writeFile(fileOf(scenario), `${lines.join('\n')}\n`)
}
