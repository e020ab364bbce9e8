import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openBrowser } from '../harness/browser.ts'
import { mlflowApi } from '../harness/mlflow.ts'
import { Receiver } from '../harness/receiver.ts'
import { startTestServer, type TestServer } from '../harness/server.ts'

let server: TestServer
let receiver: Receiver
let browser: Browser
let page: Page

beforeAll(async () => {
  receiver = await Receiver.open()
  server = await startTestServer({ jobSlots: '0', webhookAllowedHosts: receiver.host })
  await mlflowApi(server).get('experiments/get', { experiment_id: '0' })
  browser = await openBrowser()
  page = await browser.newPage({ viewport: { width: 1440, height: 900 } })
  page.setDefaultTimeout(15_000)
})
afterAll(async () => {
  await browser?.close()
  await receiver.close()
  await server.close()
})

describe('the webhooks of a project’s settings', () => {
  it('are added, refused at the field, tested, seen delivering, sent again and deleted', async () => {
    await page.goto(`${server.url}/local/default/settings?tab=webhooks`)
    await page.getByRole('button', { name: 'Add webhook' }).click()
    const form = page.getByRole('dialog', { name: 'Add webhook' })
    await form.getByLabel('Name').fill('deploy')
    await form.getByLabel('URL').fill('https://169.254.169.254/')
    await form.getByLabel('Secret').first().fill('between us')
    await form.getByLabel('Model made', { exact: true }).check()
    await form.getByRole('button', { name: 'Add webhook' }).click()
    await form.getByText('is not a public address').waitFor()
    await form.getByLabel('URL').fill(receiver.url())
    await form.getByRole('button', { name: 'Add webhook' }).click()

    await page.getByRole('button', { name: 'deploy' }).click()
    const panel = page.getByRole('dialog', { name: 'deploy' })
    await panel.getByRole('button', { name: 'Send a test' }).click()
    await panel.getByText('The test was delivered: the receiver answered 200.').waitFor()
    expect(receiver.received[0]?.headers['x-mlflow-signature']).toMatch(/^v1,/)

    receiver.next.push({ status: 404 })
    await mlflowApi(server).post('registered-models/create', { name: 'flood' })
    await panel.getByRole('button', { name: /Model made.*Failed/ }).click()
    await panel.getByText('"name": "flood"').waitFor()
    await panel.getByRole('button', { name: 'Send again' }).click()
    await panel.getByRole('button', { name: /Model made.*Delivered/ }).waitFor()

    await panel.getByRole('button', { name: 'Disable' }).click()
    await panel.getByText('Disabled', { exact: true }).waitFor()
    await panel.getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('button', { name: 'Delete webhook' }).click()
    await page.getByText('No webhooks yet').waitFor()
    expect(receiver.received.length).toBe(3)
  })
})
