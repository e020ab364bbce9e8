import { mkdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PACKAGE_ROOT } from '../../src/lib/package-root.ts'
import { openBrowser } from '../harness/browser.ts'
import { type Program, startProgram } from '../harness/process.ts'

/** The README's demo, run as a user runs it, then looked at in a real browser. */
const SCREENS = join(PACKAGE_ROOT, '.cache', 'screens')
const PROJECT = '/local/adult-income'
let folder: string
let demo: Program
let url: string
let browser: Browser
let page: Page
const complaints: string[] = []

beforeAll(async () => {
  mkdirSync(SCREENS, { recursive: true })
  folder = await mkdtemp(join(tmpdir(), 'trainyard-e2e-'))
  demo = startProgram(['demo', '--port', '0'], { TRAINYARD_DATA: folder })
  url = (await demo.saw(/ready at (http\S+)/))[1] ?? ''
  browser = await openBrowser()
  page = await browser.newPage({ viewport: { width: 1440, height: 900 } })
  page.on('pageerror', (error) => complaints.push(`${page.url()} ${error.message}`))
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(`${page.url()} ${message.text()}`)
  })
  page.on('response', (response) => {
    if (response.status() >= 500) complaints.push(`${response.status()} ${response.url()}`)
  })
}, 180_000)

afterAll(async () => {
  await browser?.close()
  demo?.kill('SIGTERM')
  await demo?.ended
  await rm(folder, { recursive: true, force: true })
})

describe('the demo', () => {
  it('tells the whole loop, and the policy decides', async () => {
    await demo.saw(/The server goes on at/, 360_000)
    const story = demo.output()
    process.stdout.write(story)
    const accuracy = Number(/first champion.*accuracy ([\d.]+)/.exec(story)?.[1])
    expect(accuracy).toBeGreaterThanOrEqual(0.85)
    expect(story).toMatch(/second champion.*accuracy 0\.8/)
    expect(story).toMatch(/policy decision\s+promoted/)
    expect(story).toMatch(/ONNX: .* same label on (99\.\d+|100\.00) %/)
    expect(story).toMatch(/one prediction over HTTP: p50 [\d.]+ ms/)
  }, 400_000)
})

const PAGES: { name: string; path: string; shows: RegExp[] }[] = [
  { name: 'projects', path: '/', shows: [/adult-income/] },
  { name: 'overview', path: PROJECT, shows: [/adult-income/] },
  { name: 'data', path: `${PROJECT}/data`, shows: [/adult-prepared/] },
  {
    name: 'dataset-version',
    path: `${PROJECT}/data/adult-prepared/versions/1`,
    shows: [/education/, /hours_per_week/],
  },
  { name: 'jobs', path: `${PROJECT}/jobs`, shows: [/gradient_boosting/, /succeeded/i] },
  { name: 'runs', path: `${PROJECT}/runs`, shows: [/test_accuracy/, /gradient_boosting/] },
  { name: 'models', path: `${PROJECT}/models`, shows: [/adult-income/, /champion/] },
  { name: 'model', path: `${PROJECT}/models/adult-income`, shows: [/champion/] },
  { name: 'model-version', path: `${PROJECT}/models/adult-income/versions/1`, shows: [/ONNX/, /education/] },
  { name: 'endpoints', path: `${PROJECT}/endpoints`, shows: [/income/] },
  { name: 'form', path: `${PROJECT}/endpoints/income`, shows: [/Education/, /Hours per week/] },
  { name: 'predictions', path: `${PROJECT}/endpoints/income/predictions`, shows: [/50K/] },
  { name: 'monitoring', path: `${PROJECT}/endpoints/income/monitoring`, shows: [/promoted/i, /0\.8/] },
  { name: 'project-monitoring', path: `${PROJECT}/monitoring`, shows: [/income/] },
  { name: 'catalogue', path: `${PROJECT}/catalogue`, shows: [/adult-prepared/] },
  { name: 'settings', path: `${PROJECT}/settings`, shows: [/member/i] },
  { name: 'api-reference', path: '/api-reference', shows: [/endpoints/] },
]

describe('every page', () => {
  for (const { name, path, shows } of PAGES) {
    it(`${name} shows what the demo made`, async () => {
      await page.goto(url + path)
      for (const text of shows) await page.getByText(text).first().waitFor({ state: 'visible', timeout: 15_000 })
      await page.screenshot({ path: join(SCREENS, `${name}.png`) })
      const width = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      )
      expect(width, 'the page scrolls sideways').toBeLessThanOrEqual(0)
    })
  }

  it('decision tells why it retrained, what was compared and what was promoted', async () => {
    const answer = await fetch(`${url}/api/v1/projects${PROJECT}/decisions?endpoint=income`)
    const { decisions } = (await answer.json()) as { decisions: { id: string }[] }
    await page.goto(`${url}${PROJECT}/monitoring/decisions/${decisions[0]?.id}`)
    for (const text of [/promoted/i, /held-out feedback/i, /gains at least/i])
      await page.getByText(text).first().waitFor({ state: 'visible', timeout: 15_000 })
    await page.screenshot({ path: join(SCREENS, 'decision.png') })
  })

  it('fits a phone', async () => {
    const phone = await browser.newPage({ viewport: { width: 400, height: 800 }, colorScheme: 'dark' })
    for (const { name, path } of PAGES) {
      await phone.goto(url + path)
      await phone.waitForLoadState('load')
      await phone.waitForTimeout(700)
      await phone.screenshot({ path: join(SCREENS, `${name}-phone.png`) })
      const excess = await phone.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      )
      expect(excess, `${name} scrolls sideways on a phone`).toBeLessThanOrEqual(0)
    }
    await phone.close()
  })
})

describe('the prediction form', () => {
  it('answers in place, without a page load', async () => {
    await page.goto(`${url}${PROJECT}/endpoints/income`)
    let loads = 0
    page.on('framenavigated', () => {
      loads += 1
    })
    await page.getByLabel('Age', { exact: true }).fill('52')
    await page.getByRole('button', { name: /^Predict/ }).click()
    await page
      .getByRole('status')
      .getByText(/[<>]=?50K/)
      .first()
      .waitFor({ state: 'visible', timeout: 10_000 })
    expect(loads).toBe(0)
    await page.screenshot({ path: join(SCREENS, 'form-answered.png') })
  })

  it('says what is wrong beside the field', async () => {
    await page.getByLabel('Age', { exact: true }).fill('-3')
    await page.getByRole('button', { name: /^Predict/ }).click()
    await page
      .getByText(/at least|between|out of range|lower|least/i)
      .first()
      .waitFor({ state: 'visible', timeout: 10_000 })
  })
})

it('no page complained', () => {
  expect(complaints).toEqual([])
})
