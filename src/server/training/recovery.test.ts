import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { call, finished, makeProject, pythonProject, submit, upload, waitForJob } from '../../../tests/harness/jobs.ts'
import { ENGINE, startTestServer, type TestServer } from '../../../tests/harness/server.ts'
import { inTransaction } from '../../context.ts'
import { LOCAL } from '../../lib/actor.ts'
import { PACKAGE_ROOT } from '../../lib/package-root.ts'
import { isAlive, processStart } from '../../lib/processes.ts'
import { putArtifact } from '../artifacts/artifacts.service.ts'
import { findVersion } from '../datasets/versions.service.ts'
import { findProject } from '../projects/projects.service.ts'
import { stepLog } from './drive.ts'
import { localExecutor } from './executors/local.ts'
import { jobById, jobFolder, submitJob } from './jobs.service.ts'
import { changeHeldJob, claimJob, releaseLeases } from './jobs.store.ts'
import { prepareJob } from './prepare.service.ts'
import { createJobRunner } from './runner.ts'

let server: TestServer
beforeAll(async () => {
  // Its own runner takes nothing: the tests start runners themselves.
  server = await startTestServer({ jobSlots: '0' })
  await makeProject(server)
})
afterAll(() => server.close())

/** Appends one line to a file: what was run twice has two. */
const APPEND = pythonProject(
  'import sys, time, os\nopen(sys.argv[1], "a").write(sys.argv[2] + " " + str(os.getpid()) + "\\n")\ntime.sleep(float(sys.argv[3]))\nprint("done")\n',
  { out: 'string', mark: 'string', seconds: { type: 'float', default: 0 } },
  '{out} {mark} {seconds}',
)
const lines = (file: string) => readFileSync(file, 'utf8').trim().split('\n').sort()

describe('several runners on one queue', () => {
  it('never run a job twice', async () => {
    const out = join(server.folder, 'race.txt')
    const ids: string[] = []
    for (let i = 0; i < 30; i++) ids.push((await submit(server, APPEND, { parameters: { out, mark: `m${i}` } })).id)
    const ctx = { ...server.ctx, config: { ...server.ctx.config, jobSlots: 3 } }
    const runners = [createJobRunner(), createJobRunner(), createJobRunner()]
    for (const runner of runners) await runner.start(ctx, server.url)
    try {
      for (const id of ids)
        expect((await finished(server, id, 60_000)).job).toMatchObject({ state: 'succeeded', attempt: 1 })
    } finally {
      for (const runner of runners) await runner.stop()
    }
    expect(lines(out).map((line) => line.split(' ')[0])).toEqual(ids.map((_, i) => `m${i}`).sort())
    const started = (await server.request('GET', '/api/v1/projects/local/default/events?limit=500')).body.events.filter(
      (event: { verb: string }) => event.verb === 'started',
    )
    expect(started.map((event: { subject: string }) => event.subject).sort()).toEqual([...ids].sort())
  }, 90_000)
})

describe('a start that was broken off', () => {
  it('never runs without the word, and the job starts again', async () => {
    const out = join(server.folder, 'broken.txt')
    const made = await submit(server, APPEND, { parameters: { out, mark: 'once' } })
    // What a server does that is killed between starting the process and writing it down:
    const dead = `${process.pid}`
    const row = await claimJob(server.ctx.db, 'local', dead, Date.now() - 1)
    expect(row?.id).toBe(made.id)
    const abort = new AbortController()
    const folder = jobFolder(server.ctx.config, made.id)
    const { launch } = await prepareJob(
      server.ctx,
      await jobById(server.ctx, made.id),
      server.url,
      stepLog(folder),
      abort.signal,
    )
    const orphan = await localExecutor.start(launch)
    const runner = createJobRunner()
    await runner.start({ ...server.ctx, config: { ...server.ctx.config, jobSlots: 1 } }, server.url)
    const { job } = await finished(server, made.id)
    await runner.stop()
    expect(job.state).toBe('succeeded')
    expect(await localExecutor.poll(orphan)).toEqual({ state: 'running' }) // it waits, and nobody gives it the word
    await localExecutor.cancel(orphan, 'kill')
    expect(lines(out)).toHaveLength(1)
  }, 30_000)

  it('counts a process without an exit status as lost, and says so at the run', async () => {
    const made = await submit(server, APPEND, { parameters: { out: '/dev/null', mark: 'x', seconds: 60 } })
    const ctx = { ...server.ctx, config: { ...server.ctx.config, jobSlots: 1 } }
    const runner = createJobRunner()
    await runner.start(ctx, server.url)
    await waitForJob(server, made.id, (job) => job.state === 'running')
    const { process: handle } = await server.ctx.db
      .selectFrom('jobs')
      .select('process')
      .where('id', '=', made.id)
      .executeTakeFirstOrThrow()
    await localExecutor.cancel(handle!, 'kill')
    const { job } = await finished(server, made.id)
    await runner.stop()
    expect(job).toMatchObject({ state: 'lost', exit_code: null })
    const run = await server.ctx.db
      .selectFrom('runs')
      .select('status')
      .where('id', '=', made.run_id)
      .executeTakeFirstOrThrow()
    expect(run.status).toBe('KILLED')
    const tag = await server.ctx.db
      .selectFrom('run_tags')
      .select('value')
      .where('run_id', '=', made.run_id)
      .where('key', '=', 'trainyard.end_reason')
      .executeTakeFirstOrThrow()
    expect(tag.value).toBe(job.error)
  }, 30_000)

  it('leaves a job alone whose lease is alive', async () => {
    const made = await submit(server, APPEND, { parameters: { out: '/dev/null', mark: 'x' } })
    await claimJob(server.ctx.db, 'local', 'another-host|1|x|y', Date.now() + 60_000)
    const runner = createJobRunner()
    await runner.start({ ...server.ctx, config: { ...server.ctx.config, jobSlots: 1 } }, server.url)
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    expect((await call(server, 'GET', `/jobs/${made.id}`)).body.state).toBe('preparing')
    await releaseLeases(server.ctx.db, 'another-host|1|x|y', Date.now())
    expect((await finished(server, made.id)).job.state).toBe('succeeded')
    await runner.stop()
    expect(await changeHeldJob(server.ctx.db, made.id, 'another-host|1|x|y', ['succeeded'], { state: 'failed' })).toBe(
      false,
    )
  }, 30_000)
})

describe('a conversion', () => {
  it('finds its script, texts, artifacts and data, and no tracking', async () => {
    const project = (await findProject(server.ctx, LOCAL, 'local', 'default'))!
    await putArtifact(
      server.ctx,
      project,
      '1/models/m-1/artifacts/MLmodel',
      Readable.from([Buffer.from('flavors: {}')]),
    )
    await call(server, 'POST', '/datasets/rows/versions', { files: await upload(server, { 'test.txt': 'row' }) })
    const version = await findVersion(server.ctx, project.id, 'rows')
    const job = await inTransaction(server.ctx, (tx) =>
      submitJob(tx, LOCAL, project, {
        kind: 'convert',
        runtime: { script: 'pyfunc/server.py', requirements: '' },
        files: [{ name: 'job.json', text: '{"rows": 3}' }],
        arguments: ['--spec', 'job.json'],
        artifacts: { path: '1/models/m-1/artifacts', as: 'model' },
        datasetVersionId: version.id,
      }),
    )
    expect(job).toMatchObject({ kind: 'convert', runId: null, state: 'queued', dataset: { name: 'rows', version: 1 } })
    const folder = jobFolder(server.ctx.config, job.id)
    const { launch } = await prepareJob(server.ctx, job, server.url, stepLog(folder), new AbortController().signal)
    expect(launch.argv.slice(1)).toEqual([join(PACKAGE_ROOT, 'runtimes/pyfunc/server.py'), '--spec', 'job.json'])
    expect(
      Object.keys(launch.env).filter((name) => name.startsWith('MLFLOW_TRACKING') || name === 'MLFLOW_RUN_ID'),
    ).toEqual([])
    expect(readFileSync(join(launch.cwd, 'job.json'), 'utf8')).toBe('{"rows": 3}')
    expect(readFileSync(join(launch.cwd, 'model/MLmodel'), 'utf8')).toBe('flavors: {}')
    expect(readFileSync(join(launch.cwd, 'data/test.txt'), 'utf8')).toBe('row')
    const bad = submitJob(server.ctx, LOCAL, project, {
      kind: 'convert',
      runtime: { script: '../package.json', requirements: '' },
    })
    await expect(bad).rejects.toMatchObject({ code: 'bad_request', field: 'runtime.script' })
    await call(server, 'POST', `/jobs/${job.id}/cancel`)
    expect((await jobById(server.ctx, job.id)).state).toBe('cancelled')
  }, 30_000)
})

describe('a server that is killed', () => {
  const children: ChildProcess[] = []
  let folder = ''
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  })

  async function serve(port: number, databaseUrl: string | null): Promise<{ url: string; child: ChildProcess }> {
    // As `serve` does, without building the web UI first.
    const program = `
      import { startServer } from './src/app.ts'
      import { readConfig } from './src/config.ts'
      const server = await startServer(readConfig())
      process.once('SIGTERM', () => server.close())
      console.log('Trainyard is ready at ' + server.url)`
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', program],
      {
        cwd: PACKAGE_ROOT,
        env: {
          PATH: process.env.PATH ?? '',
          HOME: process.env.HOME ?? '',
          TRAINYARD_PORT: String(port),
          TRAINYARD_DATA: folder,
          TRAINYARD_LOG_LEVEL: 'error',
          ...(databaseUrl === null ? {} : { TRAINYARD_DATABASE_URL: databaseUrl }),
        },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    children.push(child)
    const [line] = (await once(child.stdout!, 'data')) as [Buffer]
    const url = /ready at (\S+)/.exec(line.toString())?.[1]
    if (url === undefined) throw new Error(`server: ${line.toString()}`)
    return { url, child }
  }

  it('is followed by one that brings its jobs to their end, each run once', async () => {
    folder = await mkdtemp(join(tmpdir(), 'trainyard-test-'))
    chmodSync(folder, 0o700)
    const databaseUrl = ENGINE === 'postgres' ? server.ctx.config.databaseUrl : null
    const port = ENGINE === 'postgres' ? 5192 : 5191
    const first = await serve(port, databaseUrl)
    if (ENGINE !== 'postgres') await makeProject(first)
    const out = join(folder, 'ran.txt')
    const long = await submit(first, APPEND, { parameters: { out, mark: 'long', seconds: 8 } })
    const short = await submit(first, APPEND, { parameters: { out, mark: 'short', seconds: 4 } })
    const queued = await submit(first, APPEND, { parameters: { out, mark: 'queued' } })
    for (const job of [long, short]) await waitForJob(first, job.id, (now) => now.state === 'running')
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect((await call(first, 'GET', `/jobs/${queued.id}`)).body.state).toBe('queued') // two slots
    first.child.kill('SIGKILL')
    await once(first.child, 'exit')
    await new Promise((resolve) => setTimeout(resolve, 4_000)) // the short job ends while nobody watches
    const second = await serve(port, databaseUrl)
    for (const id of [short.id, long.id, queued.id]) {
      const { job, log } = await finished(second, id, 20_000)
      expect(job).toMatchObject({ state: 'succeeded', exit_code: 0, attempt: 1 })
      expect(log).toContain('done')
    }
    expect(lines(out).map((line) => line.split(' ')[0])).toEqual(['long', 'queued', 'short'])
    second.child.kill('SIGTERM')
    await once(second.child, 'exit')
  }, 60_000)
})

describe('processes', () => {
  it('are told apart from later ones of the same number', async () => {
    const startedAt = await processStart(process.pid)
    expect(startedAt).not.toBeNull()
    expect(await isAlive(process.pid, startedAt!)).toBe(true)
    expect(await isAlive(process.pid, `${startedAt}0`)).toBe(false)
    expect(await processStart(2 ** 22 + 1)).toBeNull()
  })
})
