import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compareSteps, unusedDifferences } from './compat/conformance/compare.ts'
import { ENDPOINTS } from './compat/conformance/endpoints.ts'
import { recordedSteps } from './compat/conformance/golden.ts'
import { SCENARIOS } from './compat/conformance/scenarios.ts'
import { Talk } from './compat/conformance/talk.ts'
import { startTestServer, type TestServer } from './harness/server.ts'

/**
 * Each request of the scenarios is answered as MLflow's own server answered it (recorded by
 * `node tests/compat/conformance-record.ts`; tests/matrix plays both side by side), but for the differences that are listed
 * with their reasons in tests/compat/conformance/differences.ts.
 */
let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

describe('the same requests as to MLflow', () => {
  const used = new Set<string>()

  for (const { name, play } of SCENARIOS) {
    it(name, { timeout: 120_000 }, async () => {
      const talk = new Talk(server.url, name)
      await play(talk)
      const { unexpected, differences } = compareSteps(name, await recordedSteps(name), talk.steps)
      for (const why of differences) used.add(why)
      expect(unexpected).toEqual([])
    })
  }

  it('cover every endpoint that a client needs', async () => {
    const asks = (await Promise.all(SCENARIOS.map(({ name }) => recordedSteps(name)))).flat().map((step) => step.ask)
    const asked = (endpoint: string) =>
      asks.some((ask) => {
        const next = ask[endpoint.length] ?? ' '
        return ask.startsWith(endpoint) && (' ?'.includes(next) || /[/?]$/.test(endpoint))
      })
    expect(ENDPOINTS.filter((endpoint) => !asked(endpoint))).toEqual([])
    expect(new Set(ENDPOINTS).size).toBe(75) // the contract's 56 and 17, two of them by two methods
  })

  it('every listed difference is still one', () => {
    expect(unusedDifferences(used)).toEqual([])
  })
})
