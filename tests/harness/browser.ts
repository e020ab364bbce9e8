import { existsSync } from 'node:fs'
import { type Browser, chromium, type Page } from 'playwright-core'

const INSTALLED = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

/**
 * A real headless Chromium: the one of TRAINYARD_TEST_CHROMIUM (a path, or `packaged`), the system's, else the one that the
 * npm package `@sparticuz/chromium` carries.
 */
export async function openBrowser(): Promise<Browser> {
  const named = process.env.TRAINYARD_TEST_CHROMIUM
  const installed = named === 'packaged' ? undefined : (named ?? INSTALLED.find((path) => existsSync(path)))
  const args = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ]
  if (installed !== undefined) return chromium.launch({ executablePath: installed, headless: true, args })
  const { default: packaged } = await import('@sparticuz/chromium')
  // Its own arguments are for a function that shows one page: in a single process, closing a page closes the browser.
  const own = packaged.args.filter((arg) => !['--single-process', '--no-zygote'].includes(arg))
  return chromium.launch({ executablePath: await packaged.executablePath(), headless: true, args: [...own, ...args] })
}

/** A page of a desktop's size; what its scripts throw, and answers of 500 and more, become complaints. */
export async function watchedPage(browser: Browser, complaints: string[]): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } })
  page.on('pageerror', (error) => complaints.push(`${page.url()} ${error.message}`))
  page.on('response', (response) => {
    if (response.status() >= 500) complaints.push(`${response.status()} ${response.url()}`)
  })
  return page
}
