import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { systemEnvironment } from '../../src/config.ts'
import { PACKAGE_ROOT } from '../../src/lib/package-root.ts'
import { ensureEnvironment } from '../../src/server/training/environments.ts'
import { fillCatalogue } from '../harness/catalogue.ts'
import { startTestServer, type TestServer } from '../harness/server.ts'

/** The catalogue as pystac-client, which most programs use, walks it. */
const REQUIREMENTS = 'pystac-client==0.9.1\npystac==1.15.2\n'

let server: TestServer
let python = ''
beforeAll(async () => {
  server = await startTestServer({ jobSlots: '0' })
  const log = { path: join(server.folder, 'build.log'), say: () => {} }
  const spec = { python: null, requirements: REQUIREMENTS }
  ;({ python } = await ensureEnvironment(server.ctx.config, spec, log, AbortSignal.timeout(500_000)))
})
afterAll(() => server.close())

it('is walked from end to end by pystac-client', async () => {
  const { owner } = await fillCatalogue(server)
  const script = join(PACKAGE_ROOT, 'tests', 'compat', 'stac.py')
  const { stdout } = await promisify(execFile)(python, ['-W', 'error', script, `${server.url}/api/stac`, owner], {
    env: systemEnvironment(),
  })
  const seen = JSON.parse(stdout)
  expect(seen).toMatchObject({
    title: 'Trainyard',
    conforms: ['COLLECTIONS', 'ITEM_SEARCH', 'FEATURES', 'SORT'],
    self: 6,
    nowhere: 0,
    before: 0,
  })
  expect(seen.collections['ai-model']).toEqual([
    'ada--iris--7-of-9-tensors-v1',
    'ada--iris--iris-v1',
    'ada--iris--iris-v2',
  ])
  expect(seen.collections.dataset).toHaveLength(3)
  expect(seen.by_id).toEqual(['ada--iris--7-of-9-tensors-v1'])
  expect(seen.derived).toContainEqual(['ada--iris--iris-v1', 'ada--iris--iris-rows-v2'])
  expect(seen.derived).toContainEqual(['ada--iris--iris-rows-v2', 'ada--iris--iris-rows-v1'])
})
