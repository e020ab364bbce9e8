import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { readConfig, systemEnvironment } from '../../../src/config.ts'
import { PACKAGE_ROOT } from '../../../src/lib/package-root.ts'
import { ensureEnvironment } from '../../../src/server/training/environments.ts'
import { follow } from '../../harness/process.ts'
import { RECORDED_VERSION } from './golden.ts'

export type StockServer = { url: string; version: string; close(): Promise<void> }

/** A stock `mlflow server` on a fresh SQLite store and a fresh folder, in an environment with nothing but MLflow. */
export async function startStock(port: number): Promise<StockServer> {
  const data = join(PACKAGE_ROOT, '.cache', 'py')
  await mkdir(data, { recursive: true })
  const { python } = await ensureEnvironment(
    readConfig({ data }),
    { python: null, requirements: `mlflow==${RECORDED_VERSION}` },
    { path: join(data, 'build-stock.log'), say: () => {} },
    AbortSignal.timeout(580_000),
  )
  const folder = await mkdtemp(join(tmpdir(), 'trainyard-stock-'))
  const url = `http://127.0.0.1:${port}`
  // A process group of its own: the server starts workers, and all must end with it.
  const child = spawn(
    python,
    ['-m', 'mlflow', 'server', '--host', '127.0.0.1', '--port', String(port), '--workers', '1'].concat(
      ['--backend-store-uri', `sqlite:///${join(folder, 'mlflow.db')}`],
      ['--artifacts-destination', join(folder, 'artifacts'), '--serve-artifacts'],
    ),
    {
      cwd: folder,
      env: { ...systemEnvironment(), DO_NOT_TRACK: 'true' },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const program = follow(child)
  try {
    return { url, version: await versionOnceReady(url), close }
  } catch (error) {
    await close()
    throw new Error(`MLflow did not start: ${String(error)}\n${program.output().slice(-3_000)}`)
  }

  async function close(): Promise<void> {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL')
    await program.ended
    await rm(folder, { recursive: true, force: true })
  }
}

async function versionOnceReady(url: string): Promise<string> {
  for (let tries = 0; tries < 600; tries++) {
    try {
      const answer = await fetch(`${url}/version`)
      if (answer.ok) return (await answer.text()).trim()
    } catch {
      await sleep(500)
    }
  }
  throw new Error('no answer on /version within five minutes')
}
