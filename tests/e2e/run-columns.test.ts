import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openBrowser, watchedPage } from '../harness/browser.ts'
import { type MlflowApi, mlflowApi } from '../harness/mlflow.ts'
import { startTestServer, type TestServer } from '../harness/server.ts'

/** The table of runs in a real browser: it loads a page of them, and knows the number and the columns of all. */
const RUNS = 230
const METRICS = 1_100
let server: TestServer
let api: MlflowApi
let browser: Browser
let page: Page
let experiment: string
const complaints: string[] = []

beforeAll(async () => {
  server = await startTestServer()
  api = mlflowApi(server)
  experiment = await api.experiment('sweep')
  const oldest = await api.run(experiment, { run_name: 'oldest', tags: [{ key: 'team', value: 'red' }] })
  await api.post('runs/log-batch', {
    run_id: oldest,
    metrics: [{ key: 'old/loss', value: 0.25, timestamp: 1 }],
    params: [{ key: 'old depth', value: '7' }],
  })
  const wide = await api.run(experiment, { run_name: 'wide', start_time: 1_001 })
  for (let from = 0; from < METRICS; from += 550) {
    const metrics = Array.from({ length: 550 }, (_, i) => ({ key: `m${from + i + 10_000}`, value: i, timestamp: 1 }))
    expect((await api.post('runs/log-batch', { run_id: wide, metrics })).status).toBe(200)
  }
  for (let i = 2; i < RUNS; i++) {
    const run = await api.run(experiment, { run_name: `run-${i}`, start_time: 10_000 + i })
    const metrics = [{ key: 'accuracy', value: i / RUNS, timestamp: 1 }]
    await api.post('runs/log-batch', { run_id: run, metrics, params: [{ key: 'depth', value: `${i % 7}` }] })
    await api.post('runs/update', { run_id: run, status: 'FINISHED', end_time: 20_000 + i })
  }
  browser = await openBrowser()
  page = await watchedPage(browser, complaints)
}, 120_000)
afterAll(async () => {
  await browser?.close()
  await server?.close()
})

const header = (name: string) => page.getByRole('columnheader', { name, exact: true })

describe('the table of runs', () => {
  it('says how many runs there are, and how many a filter finds', async () => {
    await page.goto(`${server.url}/local/default/runs?experiment=${experiment}`)
    await page.getByText(`${RUNS} runs`, { exact: true }).waitFor()
    await page.goto(`${server.url}/local/default/runs?q=${encodeURIComponent("params.depth = '3'")}`)
    await page.getByText('33 runs', { exact: true }).waitFor()
    await page.goto(`${server.url}/local/default/runs?q=nonsense`)
    await page.getByRole('alert').waitFor()
    expect(await page.getByText(/^\d+ runs$/).count()).toBe(0)
  })

  it('offers what only runs that are not loaded have', async () => {
    await page.goto(`${server.url}/local/default/runs?experiment=${experiment}`)
    await header('accuracy').waitFor()
    await page.getByRole('button', { name: 'Columns' }).click()
    const choose = async (search: string, name: string) => {
      await page.getByLabel('Search columns').fill(search)
      await page.getByRole('checkbox', { name, exact: true }).check()
      await header(name).waitFor()
    }
    await choose('LOSS', 'old/loss')
    await choose('depth', 'old depth')
    await choose('team', 'team')
    // Behind the first thousand: only the server knows it.
    await choose('11099', 'm11099')
    await page.getByLabel('Search columns').fill('depth')
    await page.getByRole('checkbox', { name: 'depth', exact: true }).uncheck()
    await header('depth').waitFor({ state: 'detached' })
    expect(new URL(page.url()).searchParams.get('columns')).toBe(
      'metrics.old/loss,params.old depth,tags.team,metrics.m11099,-params.depth',
    )
  })

  it('keeps the choice over a reload and when their runs come in', async () => {
    await page.reload()
    for (const name of ['old/loss', 'old depth', 'team', 'm11099']) await header(name).waitFor()
    await page.getByRole('button', { name: 'Show more runs' }).click()
    await page.getByRole('button', { name: 'Show more runs' }).waitFor({ state: 'detached' })
    for (const name of ['old/loss', 'old depth', 'team', 'm11099']) expect(await header(name).count()).toBe(1)
    expect(await header('depth').count()).toBe(0)
    await header('old/loss').getByRole('button').click()
    await page.getByRole('row', { name: /oldest.* 0\.25/ }).waitFor()
  })

  it('complains about nothing', () => expect(complaints).toEqual([]))
})
