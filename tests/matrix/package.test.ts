import { execFileSync, spawn } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { PACKAGE_ROOT } from '../../src/lib/package-root.ts'
import { follow } from '../harness/process.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trainyard-package-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

it('the packed tarball installs elsewhere and starts', async () => {
  execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], {
    cwd: PACKAGE_ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz'))
  await writeFile(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'elsewhere', private: true, allowScripts: { node: true, 'onnxruntime-node': false } }),
  )
  execFileSync('npm', ['install', '--no-audit', '--no-fund', `./${tarball}`], {
    cwd: folder,
    stdio: 'inherit',
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' },
  })
  const node = join(folder, 'node_modules', '.bin', 'node')
  const server = follow(
    spawn(
      node,
      [
        join(folder, 'node_modules', 'trainyard', 'dist', 'main.js'),
        'serve',
        '--port',
        '0',
        '--data',
        join(folder, 'data'),
        '--log-level',
        'error',
      ],
      {
        cwd: folder,
        env: { ...process.env, PATH: `${dirname(node)}:${process.env.PATH}` },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    ),
  )
  const [, url = ''] = await server.saw(/ready at (http\S+)/)
  expect(await (await fetch(`${url}/health`)).text()).toBe('OK')
  const page = await fetch(`${url}/local/default/runs`, { headers: { accept: 'text/html' } })
  expect(page.status).toBe(200)
  const script = /src="\.?\/?(assets\/[^"]+\.js)"/.exec(await page.text())?.[1]
  expect((await fetch(`${url}/${script}`)).headers.get('content-type')).toMatch(/javascript/)
  server.kill('SIGTERM')
  expect(await server.ended).toBe(0)
})
