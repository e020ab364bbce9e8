import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { compared, runMoveScript, trainyard } from '../harness/moves.ts'
import { testPython } from '../harness/python.ts'
import { startTestServer, type TestServer } from '../harness/server.ts'

/** A store of the newest MLflow in and out again, beside a running server. All versions and kinds: tests/matrix/moves.test.ts. */
let python: string
let server: TestServer
let folder: string
beforeAll(async () => {
  python = await testPython()
  server = await startTestServer({ jobSlots: '0' })
  folder = await mkdtemp(join(tmpdir(), 'trainyard-moves-'))
})
afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true, force: true })
})

test('a database of MLflow comes in whole, a second time nothing changes, and MLflow reads what goes out', async () => {
  const source = join(folder, 'source')
  await mkdir(source)
  const uri = `sqlite:///${join(source, 'mlflow.db')}`
  await runMoveScript(python, 'matrix/moves_seed.py', [source], { env: { MLFLOW_TRACKING_URI: uri }, cwd: source })
  const into = ['import', 'mlflow', join(source, 'mlflow.db'), '--artifacts', source, '--data', server.folder]

  const first = await trainyard(into)
  expect(first).toMatchObject({ code: 0, stdout: expect.stringContaining('21 runs, ') })
  const [ofSource, second, out] = await Promise.all([
    compared(python, uri, server.url),
    trainyard(into),
    trainyard(['export', 'mlflow', join(folder, 'out.db'), '--data', server.folder]),
  ])
  expect(ofSource.differences).toEqual([])
  expect(second.stdout).toContain('Imported 0 experiments (5 unchanged)')
  expect(second.stdout).not.toMatch(/\d points|\d files/)
  expect(out.code).toBe(0)
  const ofExport = await compared(python, `sqlite:///${join(folder, 'out.db')}`, server.url)
  expect(ofExport.differences).toEqual([])
})
