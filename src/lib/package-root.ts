import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of package.json: the checkout, or the installed package. Files we ship are found from here. */
export const PACKAGE_ROOT: string = findUp(dirname(fileURLToPath(import.meta.url)))

/** Whether this is a checkout (sources present) and not an installed package. */
export const IS_CHECKOUT: boolean = existsSync(join(PACKAGE_ROOT, 'src', 'main.ts'))

function findUp(start: string): string {
  for (let folder = start; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder
    if (dirname(folder) === folder) throw new Error(`No package.json above ${start}`)
  }
}
