import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const USAGE =
  'usage: node scripts/screenshots.ts <server url> <folder> <path>… [--widths=1440,400] [--schemes=light,dark] [--full]'
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
]

/** Pictures of pages at each width in each colour scheme, and every error the browser logged meanwhile. For looking at the UI. */
async function main(): Promise<void> {
  const options = process.argv.slice(2).filter((argument) => argument.startsWith('--'))
  const [server, folder, ...paths] = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
  if (server === undefined || folder === undefined || paths.length === 0) throw new Error(USAGE)
  const list = (name: string, fallback: string) =>
    (options.find((option) => option.startsWith(`--${name}=`))?.slice(name.length + 3) ?? fallback).split(',')
  await mkdir(folder, { recursive: true })
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ARGUMENTS,
  })
  for (const scheme of list('schemes', 'light,dark') as ('light' | 'dark')[]) {
    for (const width of list('widths', '1440,400').map(Number)) {
      const context = await browser.newContext({
        viewport: { width, height: width < 720 ? 850 : 900 },
        colorScheme: scheme,
      })
      const page = await context.newPage()
      page.on('console', (message) => message.type() === 'error' && console.error(`${page.url()}: ${message.text()}`))
      page.on('pageerror', (error) => console.error(`${page.url()}: ${error.message}`))
      for (const path of paths) {
        // Pages hold an event stream open, so the network is never idle: wait for what a reader waits for.
        await page.goto(server + path, { waitUntil: 'domcontentloaded' })
        await page
          .locator('h1')
          .first()
          .waitFor({ timeout: 10_000 })
          .catch(() => console.error(`${path}: no title`))
        await page.waitForTimeout(900)
        const name = `${path.replace(/[^a-z0-9]+/gi, '_').replace(/^_|_$/g, '') || 'home'}-${width}-${scheme}.png`
        await page.screenshot({ path: join(folder, name), fullPage: options.includes('--full') })
        console.log(join(folder, name))
      }
      await context.close()
    }
  }
  await browser.close()
}

await main()
