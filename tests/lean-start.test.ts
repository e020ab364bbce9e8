import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { PACKAGE_ROOT } from '../src/lib/package-root.ts'
import { startProgram } from './harness/process.ts'

/** Loaded when first used (schemas: src/lib/schema.ts, YAML: src/lib/yaml.ts): else a start is slower, and an idle server larger. */
const NOT_AT_START = [
  '@duckdb/node-api',
  '@fastify/swagger',
  'ajv',
  'ajv-formats',
  'onnxruntime-node',
  'pg',
  'prom-client',
  'typebox',
  'yaml',
]

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trainyard-lean-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

it('a server that waits for its first request has loaded none of the heavy packages', async () => {
  const watcher = join(folder, 'watch.mjs')
  await writeFile(
    watcher,
    `import { registerHooks } from 'node:module'
     import { appendFileSync } from 'node:fs'
     registerHooks({ load(url, context, next) { appendFileSync(1, 'loaded ' + url + '\\n'); return next(url, context) } })`,
  )
  const server = startProgram(['serve', '--port', '0', '--data', join(folder, 'data'), '--log-level', 'error'], {
    NODE_OPTIONS: `--import=${pathToFileURL(watcher).href}`,
  })
  await server.saw(/ready at/)
  server.kill('SIGTERM')
  await server.ended
  const loaded = [...server.output().matchAll(/^loaded (.*)$/gm)].map(([, url = '']) => url)
  expect(loaded).toContain(pathToFileURL(join(PACKAGE_ROOT, 'src', 'app.ts')).href)
  const packages = new Set(
    loaded.map((url) => /\/node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*\/node_modules\/)/.exec(url)?.[1]),
  )
  expect(packages).toContain('fastify')
  expect(NOT_AT_START.filter((name) => packages.has(name))).toEqual([])
})
