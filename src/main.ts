#!/usr/bin/env -S node --disable-warning=ExperimentalWarning --max-semi-space-size=8
import { readFileSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'
import { PACKAGE_ROOT } from './lib/package-root.ts'

enableCompileCache()
const { version } = JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8')) as { version: string }
const { main } = await import('./cli/program.ts')
await main(process.argv, version)
