#!/usr/bin/env -S node --disable-warning=ExperimentalWarning --max-semi-space-size=16 --expose-gc
import './fast-start.mjs'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PACKAGE_ROOT } from './lib/package-root.ts'

const { version } = JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8')) as { version: string }
// Not a static import: it would be compiled before the cache is there.
const { main } = await import('./cli/program.ts')
await main(process.argv, version)
