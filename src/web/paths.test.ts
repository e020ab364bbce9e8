import { expect, test } from 'vitest'
import { paths } from './paths.ts'

const scope = { owner: 'ada', project: 'income' }

test('every page has the address that was promised', () => {
  expect(
    Object.fromEntries([
      ['home', paths.home()],
      ['login', paths.login('/ada/income/runs')],
      ['apiReference', paths.apiReference()],
      ['project', paths.project(scope)],
      ['data', paths.data(scope)],
      ['dataset', paths.dataset(scope, 'adult')],
      ['datasetVersion', paths.datasetVersion(scope, 'adult', 3, 'profile')],
      ['jobs', paths.jobs(scope)],
      ['job', paths.job(scope, '01j')],
      ['runs', paths.runs(scope, { q: "metrics.accuracy > 0.8 and params.kind = 'a'", sort: null })],
      ['run', paths.run(scope, 'abc')],
      ['models', paths.models(scope)],
      ['model', paths.model(scope, 'income')],
      ['modelVersion', paths.modelVersion(scope, 'income', 2)],
      ['endpoints', paths.endpoints(scope)],
      ['endpoint', paths.endpoint(scope, 'income')],
      ['endpointPredictions', paths.endpointPredictions(scope, 'income')],
      ['endpointMonitoring', paths.endpointMonitoring(scope, 'income')],
      ['endpointUse', paths.endpointUse(scope, 'income')],
      ['monitoring', paths.monitoring(scope)],
      ['decision', paths.decision(scope, '01k')],
      ['catalogue', paths.catalogue(scope)],
      ['recycleBin', paths.recycleBin(scope)],
      ['settings', paths.settings(scope, 'tokens')],
    ]),
  ).toMatchInlineSnapshot(`
    {
      "apiReference": "/api-reference",
      "catalogue": "/ada/income/catalogue",
      "data": "/ada/income/data",
      "dataset": "/ada/income/data/adult",
      "datasetVersion": "/ada/income/data/adult/versions/3?tab=profile",
      "decision": "/ada/income/monitoring/decisions/01k",
      "endpoint": "/ada/income/endpoints/income",
      "endpointMonitoring": "/ada/income/endpoints/income/monitoring",
      "endpointPredictions": "/ada/income/endpoints/income/predictions",
      "endpointUse": "/ada/income/endpoints/income/use",
      "endpoints": "/ada/income/endpoints",
      "home": "/",
      "job": "/ada/income/jobs/01j",
      "jobs": "/ada/income/jobs",
      "login": "/login?next=%2Fada%2Fincome%2Fruns",
      "model": "/ada/income/models/income",
      "modelVersion": "/ada/income/models/income/versions/2",
      "models": "/ada/income/models",
      "monitoring": "/ada/income/monitoring",
      "project": "/ada/income",
      "recycleBin": "/ada/income/recycle-bin",
      "run": "/ada/income/runs/abc",
      "runs": "/ada/income/runs?q=metrics.accuracy+%3E+0.8+and+params.kind+%3D+%27a%27",
      "settings": "/ada/income/settings?tab=tokens",
    }
  `)
})

test('a name cannot leave its segment', () => {
  expect(paths.model(scope, '../x/y z?')).toBe('/ada/income/models/..%2Fx%2Fy%20z%3F')
})
