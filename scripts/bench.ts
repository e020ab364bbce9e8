/** `npm run bench -- NAME [arguments]`: runs `bench/NAME.ts`. Benchmarks are commands, never timed tests. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { PACKAGE_ROOT } from '../src/lib/package-root.ts'

const name = process.argv[2] ?? ''
const file = join(PACKAGE_ROOT, 'bench', `${name}.ts`)
if (!/^[a-z-]+$/.test(name) || !existsSync(file)) {
  const files = readdirSync(join(PACKAGE_ROOT, 'bench')).filter((entry) => entry.endsWith('.ts'))
  const names = files.map((entry) => entry.replace(/\.ts$/, ''))
  console.error(`Which benchmark? ${names.join(', ')}`)
  process.exit(1)
}
await import(pathToFileURL(file).href)
