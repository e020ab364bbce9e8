import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { call, finished, makeProject, pythonProject, submit, upload, waitForJob } from '../../../tests/harness/jobs.ts'
import { startTestServer, type TestServer } from '../../../tests/harness/server.ts'
import { LOCAL } from '../../lib/actor.ts'
import { findProject } from '../projects/projects.service.ts'
import { runInputs } from '../tracking/inputs.service.ts'
import { runTags } from '../tracking/run-data.service.ts'
import { getRun } from '../tracking/runs.service.ts'

let server: TestServer
let projectId: string
beforeAll(async () => {
  server = await startTestServer({ jobSlots: '3' })
  await makeProject(server)
  projectId = (await findProject(server.ctx, LOCAL, 'local', 'default'))!.id
})
afterAll(() => server.close())

const runOf = (id: string) => getRun(server.ctx, projectId, id)

/** Prints all it sees, and what the server says of its token. */
const SHOW_ENVIRONMENT = `
import json, os, urllib.request
print("ENV " + json.dumps(dict(os.environ)))
url = os.environ["MLFLOW_TRACKING_URI"].split("/mlflow/")[0] + "/api/v1/me"
request = urllib.request.Request(url, headers={"Authorization": "Bearer " + os.environ["MLFLOW_TRACKING_TOKEN"]})
print("ME " + urllib.request.urlopen(request).read().decode())
`

describe('a job that works', () => {
  it('runs in an environment of its own and ends its run', async () => {
    const code = pythonProject('import sys, os\nprint("grüße", sys.prefix)\nprint(os.getcwd())\n')
    const made = await submit(server, code, { name: 'first', experiment: 'probes' })
    expect(made).toMatchObject({
      kind: 'train',
      name: 'first',
      state: 'queued',
      attempt: 1,
      retry_of: null,
      entry_point: 'main',
      experiment: 'probes',
    })
    expect((await runOf(made.run_id)).jobId).toBe(made.id)
    const { job, log } = await finished(server, made.id)
    expect(job).toMatchObject({ state: 'succeeded', exit_code: 0, error: null })
    expect(job.environment).toMatch(/^py3\.\d+\.\d+ [0-9a-f]{12}$/)
    expect(job.finished_at_ms).toBeGreaterThanOrEqual(job.started_at_ms)
    expect(log).toContain(`grüße ${join(server.folder, 'envs')}`)
    expect(log).toContain(join(server.folder, 'jobs', job.id, 'work'))
    const run = await runOf(job.run_id)
    expect(run).toMatchObject({ status: 'FINISHED', endedAtMs: job.finished_at_ms })
    expect(await runTags(server.ctx, projectId, run.id)).toMatchObject({
      'mlflow.source.name': 'probe',
      'mlflow.project.entryPoint': 'main',
      'trainyard.job_id': job.id,
      'trainyard.code_digest': job.code_digest,
    })
    expect(statSync(join(server.folder, 'jobs', job.id)).mode & 0o777).toBe(0o700)
    const { body } = await call(server, 'GET', '/jobs?state=succeeded&limit=1')
    expect(body.jobs.map((one: { id: string }) => one.id)).toEqual([job.id])
  })

  it('gets its dataset as the parameter data, and the run names it', async () => {
    await call(server, 'POST', '/datasets/letters/versions', { files: await upload(server, { 'sub/a.txt': 'alpha' }) })
    const code = pythonProject(
      'import sys\nprint("read", open(sys.argv[1] + "/sub/a.txt").read())',
      { data: 'path' },
      '{data}',
    )
    const { job, log } = await finished(server, (await submit(server, code, { dataset: 'letters@1' })).id)
    expect(job).toMatchObject({ state: 'succeeded', dataset: { name: 'letters', version: 1 } })
    expect(log).toContain('read alpha')
    const inputs = await runInputs(server.ctx, projectId, job.run_id)
    expect(inputs).toHaveLength(1)
    expect(JSON.stringify(inputs)).toContain('letters')
    // Tidied up after the job is told to be over.
    await expect.poll(() => existsSync(join(server.folder, 'jobs', job.id, 'data'))).toBe(false)
  })

  it('passes every value on literally', async () => {
    const proof = join(server.folder, 'proof')
    const values = {
      a: `; touch ${proof}`,
      b: `$(touch ${proof})`,
      c: 'line\nbreak \'q\' "d" `id` \\',
      d: '--flag {a} %s',
    }
    const parameters = Object.fromEntries(Object.keys(values).map((key) => [key, 'string']))
    const code = pythonProject(
      'import sys, json\nprint("ARGV " + json.dumps(sys.argv[1:]))',
      parameters,
      '{a} --b={b} "{c}" {d}',
    )
    const { job, log } = await finished(server, (await submit(server, code, { parameters: values })).id)
    expect(job.state).toBe('succeeded')
    const argv = JSON.parse(/^ARGV (.*)$/m.exec(log)?.[1] ?? 'null')
    expect(argv).toEqual([values.a, `--b=${values.b}`, values.c, values.d])
    expect(existsSync(proof)).toBe(false)
  })

  it('sees nothing of the server', async () => {
    const secret = randomBytes(8).toString('hex')
    const names = [
      'TRAINYARD_DATABASE_URL',
      'PGPASSWORD',
      'AWS_SECRET_ACCESS_KEY',
      'PIP_INDEX_URL',
      'UV_DEFAULT_INDEX',
      'NODE_OPTIONS_X',
    ]
    for (const name of names) process.env[name] = `https://user:${secret}@index.invalid/`
    try {
      const code = pythonProject(SHOW_ENVIRONMENT)
      const { job, log } = await finished(server, (await submit(server, code)).id)
      const seen = JSON.parse(/^ENV (.*)$/m.exec(log)?.[1] ?? 'null') as Record<string, string>
      expect(JSON.stringify(seen)).not.toContain(secret)
      for (const name of names) expect(seen).not.toHaveProperty(name)
      expect(Object.keys(seen).filter((name) => name.startsWith('TRAINYARD_'))).toEqual([])
      expect(seen).toMatchObject({
        HOME: join(server.folder, 'jobs', job.id),
        MLFLOW_RUN_ID: job.run_id,
        MLFLOW_TRACKING_URI: `${server.url}/mlflow/local/default/tracking`,
      })
      expect(/^ME (.*)$/m.exec(log)?.[1], 'its token works while it runs').toContain('"scope":"write"')
      const me = await server.request('GET', '/api/v1/me', { token: seen.MLFLOW_TRACKING_TOKEN! })
      expect(me.body.scope, 'the token died with the job').not.toBe('write')
    } finally {
      for (const name of names) delete process.env[name]
    }
  })
})

describe('a job that fails', () => {
  it('says what went wrong and keeps its log', async () => {
    const code = pythonProject('print("before")\nraise ValueError("no rows in train.parquet")')
    const { job, log } = await finished(server, (await submit(server, code)).id)
    expect(job).toMatchObject({
      state: 'failed',
      exit_code: 1,
      error: 'exit code 1: ValueError: no rows in train.parquet',
    })
    expect(log).toContain('before\n')
    expect(log).toContain('Traceback (most recent call last)')
    expect((await runOf(job.run_id)).status).toBe('FAILED')
    const again = await call(server, 'POST', `/jobs/${job.id}/retry`)
    expect(again.status).toBe(201)
    expect(again.body).toMatchObject({ attempt: 2, retry_of: job.id, code_digest: job.code_digest, name: job.name })
    expect(again.body.run_id).not.toBe(job.run_id)
    expect((await finished(server, again.body.id)).job.state).toBe('failed')
  })

  it('shows why its environment could not be built', async () => {
    const code = { ...pythonProject('print(1)'), 'python_env.yaml': 'dependencies: ["not a == requirement ="]\n' }
    const { job, log } = await finished(server, (await submit(server, code)).id)
    expect(job).toMatchObject({ state: 'failed', exit_code: null, started_at_ms: null })
    expect(job.error).toContain('could not be installed')
    expect(log).toContain('not a == requirement')
  })

  it('is stopped with all its children, even those that ignore it, when it takes too long', async () => {
    const code = pythonProject(GRANDCHILD)
    const made = await submit(server, code, { timeout_ms: 1_500 })
    const { job, log } = await finished(server, made.id, 40_000)
    expect(job).toMatchObject({ state: 'failed' })
    expect(job.error).toContain('longer than its limit of 1.5 s')
    expect(await gone(pidIn(log))).toBe(true)
  }, 60_000)
})

/** Starts a child that ignores SIGTERM, says its number, and waits with it. */
const GRANDCHILD = `
import subprocess, sys, time
code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(300)"
child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
child.stdout.readline()
print("CHILD", child.pid, flush=True)
time.sleep(300)
`
const pidIn = (log: string) => Number(/^CHILD (\d+)$/m.exec(log)?.[1] ?? 'NaN')

async function gone(pid: number): Promise<boolean> {
  expect(pid).toBeGreaterThan(1)
  for (let i = 0; i < 50; i++) {
    const state = existsSync(`/proc/${pid}/stat`)
      ? readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0]
      : 'gone'
    if (state === 'gone' || state === 'Z') return true
    await sleep(100)
  }
  return false
}

describe('cancelling', () => {
  it('ends running code with its children, and the run', async () => {
    const made = await submit(server, pythonProject(GRANDCHILD))
    let log = ''
    await waitForJob(server, made.id, (job) => job.state === 'running')
    for (let i = 0; i < 100 && !log.includes('CHILD'); i++) {
      await sleep(50)
      log = (await call(server, 'GET', `/jobs/${made.id}/logs`)).text
    }
    const asked = await call(server, 'POST', `/jobs/${made.id}/cancel`)
    expect(asked.body).toMatchObject({ state: 'running', cancel_requested: true })
    const { job } = await finished(server, made.id, 30_000)
    expect(job).toMatchObject({ state: 'cancelled', error: 'Cancelled.' })
    expect((await runOf(job.run_id)).status).toBe('KILLED')
    expect(await gone(pidIn(log))).toBe(true)
    expect((await call(server, 'POST', `/jobs/${made.id}/cancel`)).status).toBe(200)
  }, 60_000)

  it('refuses what has ended otherwise', async () => {
    const { job } = await finished(server, (await submit(server, pythonProject('print(1)'))).id)
    const answer = await call(server, 'POST', `/jobs/${job.id}/cancel`)
    expect(answer.status).toBe(409)
    expect(answer.body.error.message).toContain('succeeded')
  })
})
