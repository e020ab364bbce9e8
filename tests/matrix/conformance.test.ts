import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compareSteps, same } from '../compat/conformance/compare.ts'
import { recordedSteps } from '../compat/conformance/golden.ts'
import { SCENARIOS } from '../compat/conformance/scenarios.ts'
import { type StockServer, startStock } from '../compat/conformance/stock.ts'
import { Talk } from '../compat/conformance/talk.ts'
import { startTestServer, type TestServer } from '../harness/server.ts'

/** A stock MLflow and ours, live, side by side; and what was recorded is what MLflow answers. */
let stock: StockServer
let server: TestServer
beforeAll(async () => {
  stock = await startStock(6_506)
  server = await startTestServer()
})
afterAll(async () => {
  await stock.close()
  await server.close()
})

describe('MLflow and ours', () => {
  for (const { name, play } of SCENARIOS) {
    it(name, async () => {
      const [theirs, ours] = [new Talk(stock.url, name), new Talk(server.url, name)]
      await play(theirs)
      await play(ours)
      const recorded = await recordedSteps(name)
      const changed = theirs.steps.filter((step, at) => recorded[at]?.ask !== step.ask || !same(recorded[at], step))
      expect(changed, 'answers of MLflow that are not the recorded ones: record again').toEqual([])
      expect(compareSteps(name, theirs.steps, ours.steps).unexpected).toEqual([])
    })
  }
})
