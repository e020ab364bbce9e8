import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { freePort } from '../../bench/tracking/servers.ts'
import { systemEnvironment } from '../../src/config.ts'
import { PACKAGE_ROOT } from '../../src/lib/package-root.ts'
import { follow, type Program, startProgram } from '../harness/process.ts'
import { clientPython } from './flavours/harness.ts'

/** A server that goes away while a client trains: killed, then stopped in good order behind a proxy that says so. */
const STEPS = 60

let folder: string
let port: number
const children = new Set<Program>()
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trainyard-outage-'))
  port = await freePort()
})
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  children.clear()
  await rm(folder, { recursive: true, force: true })
})

async function serve(): Promise<Program> {
  const args = ['serve', '--port', String(port), '--data', folder, '--log-level', 'error', '--job-slots', '0']
  const server = startProgram(args)
  children.add(server)
  await server.saw(/ready at/)
  return server
}

/**
 * What a client meets in place of the server: broken connections, or a proxy that answers 503 and when to come back.
 * Resolves when it has been asked `times`, so that the client surely met the outage, and takes the port away again.
 */
async function outage(kind: 'broken' | 'proxy', times: number): Promise<void> {
  let asked = 0
  let enough = () => {}
  const wanted = new Promise<void>((resolve) => {
    enough = resolve
  })
  const stand: Server = createServer((_request, answer) => {
    asked++
    if (kind === 'broken') answer.destroy()
    else answer.writeHead(503, { 'retry-after': '1', connection: 'close' }).end('no server')
    if (asked === times) enough()
  })
  await new Promise<void>((resolve) => stand.listen(port, '127.0.0.1', resolve))
  await wanted
  stand.closeAllConnections()
  await new Promise((resolve) => stand.close(resolve))
}

it.each(['2.10.0', '3.17.2'])('mlflow %s trains through two outages and loses nothing', async (version) => {
  const python = await clientPython(version)
  const first = await serve()
  const { PATH = '', ...system } = systemEnvironment()
  const training = follow(
    spawn(
      python,
      [join(PACKAGE_ROOT, 'tests', 'matrix', 'flavours', 'outage.py'), `outage-${version}`, String(STEPS)],
      {
        env: {
          ...system,
          PATH: `${dirname(python)}:${PATH}`,
          MLFLOW_TRACKING_URI: `http://127.0.0.1:${port}`,
          MLFLOW_DISABLE_TELEMETRY: 'true',
          GIT_PYTHON_REFRESH: 'quiet',
          // More tries than by default (5 until 2.14, which last a minute; 7 since, which last four), sooner after each
          // other: what is asked here is whether the client asks again after each kind of outage, and what is kept then.
          MLFLOW_HTTP_REQUEST_MAX_RETRIES: '9',
          MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR: '1',
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    ),
  )
  children.add(training)

  await training.saw(/^step 15$/m)
  first.kill('SIGKILL')
  await first.ended
  await outage('broken', 2)
  const second = await serve()

  await training.saw(/^step 35$/m)
  second.kill('SIGTERM')
  expect(await second.ended, second.output()).toBe(0)
  await outage('proxy', 2)
  const third = await serve()

  expect(await training.ended, training.output()).toBe(0)
  expect(
    JSON.parse(
      training
        .output()
        .trim()
        .split('\n')
        .findLast((line) => line.startsWith('{')) ?? '',
    ),
  ).toEqual({
    mlflow: version,
    status: 'FINISHED',
    loss: true,
    values: true,
    others: [STEPS, STEPS],
    params: STEPS,
    tag: String(STEPS - 1),
    texts: STEPS,
    runs: 1,
  })
  third.kill('SIGTERM')
  expect(await third.ended).toBe(0)
})
