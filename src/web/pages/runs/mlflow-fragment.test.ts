import { expect, test } from 'vitest'
import { fragmentTarget } from './mlflow-fragment.ts'

test('links that the MLflow client prints lead to our pages', () => {
  const scope = { owner: 'ada', project: 'income' }
  expect(fragmentTarget(scope, '#/experiments/1/runs/0a1b')).toBe('/ada/income/runs/0a1b')
  expect(fragmentTarget(scope, '#/experiments/1/runs/0a1b/model-metrics?x=1')).toBe('/ada/income/runs/0a1b')
  expect(fragmentTarget(scope, '#/experiments/7')).toBe('/ada/income/runs?experiment=7')
  expect(fragmentTarget(scope, '#/experiments/7/evaluation-runs?selectedRunUuid=0a1b')).toBe('/ada/income/runs/0a1b')
  expect(fragmentTarget(scope, '#/experiments/7/traces')).toBe('/ada/income/runs/traces?experiment=7')
  expect(fragmentTarget(scope, '#/experiments/7/traces?selectedEvaluationId=tr-1')).toBe('/ada/income/runs/traces/tr-1')
  expect(fragmentTarget(scope, '#/models/income/versions/3')).toBe('/ada/income/models/income/versions/3')
  expect(fragmentTarget(scope, '')).toBeNull()
})
