import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openBrowser, watchedPage } from '../harness/browser.ts'
import { localProject, runWithModel, SKLEARN_MLMODEL } from '../harness/registry.ts'
import { startTestServer, type TestServer } from '../harness/server.ts'

/** A model's history, a copy of a version in another project, and deletion, as a person sees them in a real browser. */
let server: TestServer
let browser: Browser
let page: Page
const complaints: string[] = []
const API = '/api/v1/projects/local/flood/models/river'

beforeAll(async () => {
  server = await startTestServer({ jobSlots: '0' })
  const project = await localProject(server, 'flood')
  await localProject(server, 'dam')
  for (let version = 1; version <= 2; version++) {
    const { model } = await runWithModel(server, project, { MLmodel: SKLEARN_MLMODEL, 'model.skops': `v${version}` })
    await server.request('POST', `${API}/versions`, { body: { source: `models:/${model.id}` } })
    await server.request('PUT', `${API}/aliases/champion`, { body: { version } })
  }
  browser = await openBrowser()
  page = await watchedPage(browser, complaints)
}, 120_000)
afterAll(async () => {
  await browser?.close()
  await server?.close()
})

describe('the pages of a model', () => {
  it('tell who moved an alias, also while one looks', async () => {
    await page.goto(`${server.url}/local/flood/models/river`)
    const changes = page.getByRole('list', { name: 'History' }).getByRole('listitem')
    await changes.first().waitFor()
    expect(await changes.allInnerTexts()).toEqual([
      expect.stringContaining('local moved @champion from v1 to v2'),
      expect.stringContaining('local gave @champion to v1'),
    ])
    await server.request('PUT', `${API}/aliases/champion`, { body: { version: 1 } })
    await changes.filter({ hasText: 'from v2 to v1' }).waitFor()
  })

  it('copy a version into another project, and say there where it came from', async () => {
    await page.goto(`${server.url}/local/flood/models/river/versions/2`)
    await page.getByRole('button', { name: 'river v2: more actions' }).click()
    await page.getByRole('menuitem', { name: 'Copy to another project…' }).click()
    const dialog = page.getByRole('dialog')
    expect(await dialog.getByRole('button', { name: 'Copy version' }).isDisabled()).toBe(true)
    await dialog.getByLabel('Project').first().click()
    await page.getByRole('option', { name: 'local/dam' }).click()
    await dialog.getByLabel('Model').fill('stream')
    await dialog.getByRole('button', { name: 'Copy version' }).click()
    await page.waitForURL('**/local/dam/models/stream/versions/1')
    await page.getByRole('link', { name: 'local/flood: river v2' }).click()
    await page.waitForURL('**/local/flood/models/river/versions/2')
  })

  it('put a version into the recycle bin', async () => {
    await page.goto(`${server.url}/local/dam/models/stream/versions/1`)
    await page.getByRole('button', { name: 'stream v1: more actions' }).click()
    await page.getByRole('menuitem', { name: 'Delete…' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete version' }).click()
    await page.waitForURL('**/local/dam/models/stream')
    await page.goto(`${server.url}/local/dam/recycle-bin`)
    await page.getByRole('button', { name: 'Restore stream/1' }).waitFor()
  })

  it('broke nothing on the way', () => {
    expect(complaints).toEqual([])
  })
})
