import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openBrowser, watchedPage } from '../harness/browser.ts'
import { type MlflowApi, mlflowApi } from '../harness/mlflow.ts'
import { startTestServer, type TestServer } from '../harness/server.ts'

/** The recycle bin, the audit log and a lost run, as a person sees them in a real browser. */
const PROJECT = '/local/default'
let server: TestServer
let api: MlflowApi
let browser: Browser
let page: Page
const complaints: string[] = []
const runs: Record<string, string> = {}

beforeAll(async () => {
  server = await startTestServer()
  api = mlflowApi(server)
  for (const run_name of ['kept', 'dropped', 'needed', 'silent']) runs[run_name] = await api.run('0', { run_name })
  await api.post('registered-models/create', { name: 'dam' })
  await api.post('model-versions/create', { name: 'dam', source: `runs:/${runs.needed}/m`, run_id: runs.needed })
  for (const name of ['kept', 'dropped', 'needed']) await api.post('runs/delete', { run_id: runs[name] })
  browser = await openBrowser()
  page = await watchedPage(browser, complaints)
}, 120_000)
afterAll(async () => {
  await browser?.close()
  await server?.close()
})

describe('the recycle bin', () => {
  it('gives a run back', async () => {
    await page.goto(`${server.url}${PROJECT}/recycle-bin`)
    await page.getByRole('button', { name: 'Restore kept' }).click()
    await page.getByRole('button', { name: 'Restore kept' }).waitFor({ state: 'detached' })
    expect((await api.get('runs/get', { run_id: runs.kept })).body.run.info.lifecycle_stage).toBe('active')
  })

  it('deletes a run for ever when its name is typed', async () => {
    await page.getByRole('button', { name: 'Delete dropped for ever' }).click()
    const dialog = page.getByRole('dialog')
    const button = dialog.getByRole('button', { name: 'Delete for ever' })
    expect(await button.isDisabled()).toBe(true)
    await dialog.getByLabel('Type dropped to confirm').fill('dropped')
    await button.click()
    await dialog.waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Delete dropped for ever' }).waitFor({ state: 'detached' })
    expect((await api.get('runs/get', { run_id: runs.dropped })).status).toBe(404)
  })

  it('says what a run is needed for, and keeps it', async () => {
    await page.getByRole('button', { name: 'Delete needed for ever' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('dam/1').waitFor()
    await dialog.getByLabel('Type needed to confirm').fill('needed')
    await dialog.getByRole('button', { name: 'Delete for ever' }).click()
    await dialog.getByText('cannot be deleted for ever').waitFor()
    expect((await api.get('runs/get', { run_id: runs.needed })).status).toBe(200)
  })

  it('shows what happened in the audit log, and a run that fell silent as lost', async () => {
    await page.goto(`${server.url}${PROJECT}/settings?tab=audit`)
    await page.getByText('purged run').waitFor()
    await page.goto(`${server.url}${PROJECT}/settings?tab=audit&result=failed`)
    await page.getByText(/attempted/).waitFor()
    const heard = Date.now() - 30 * 3600_000
    const { db } = server.ctx
    const run = await db
      .updateTable('runs')
      .set({ last_write_at_ms: heard })
      .where('id', '=', runs.silent ?? '')
      .returning('project_id')
      .executeTakeFirstOrThrow()
    const row = { run_id: runs.silent ?? '', last_heard_at_ms: heard, noticed_at_ms: Date.now() }
    await db
      .insertInto('lost_runs')
      .values({ ...row, project_id: run.project_id })
      .execute()
    await page.goto(`${server.url}${PROJECT}/runs/${runs.silent}`)
    await page.getByText('Lost', { exact: true }).waitFor()
    await page.getByText('Last heard').waitFor()
  })

  it('complains about nothing', () => expect(complaints).toEqual([]))
})
