import { Command } from 'commander'
import type { Answer, Body } from './api-types.ts'
import { type ApiClient, ensureProject, openClient, type ServerOptions, withServer } from './client.ts'
import { uploadPath } from './upload.ts'

type Options = ServerOptions & {
  entryPoint: string
  param: string[]
  dataset?: string
  experiment?: string
  register?: string
  name?: string
  detach?: boolean
  timeout?: string
}
export type JobAnswer = Answer<'/jobs/{job}', 'get'>
type NewJob = Omit<Body<'/jobs', 'post'>, 'code_digest'>

const ENDED = new Set(['succeeded', 'failed', 'cancelled', 'lost'])

export function runCommand(): Command {
  return withServer(
    new Command('run')
      .argument('[folder]', 'folder with an MLproject', '.')
      .description('Run a project as a job on the server and follow its log.'),
  )
    .option('-e, --entry-point <name>', 'entry point of the MLproject', 'main')
    .option(
      '-P, --param <name=value>',
      'parameter, may be repeated',
      (value: string, all: string[]) => [...all, value],
      [],
    )
    .option('--dataset <name@version>', 'dataset version that the code gets as its `data` folder')
    .option('--experiment <name>', 'experiment of the run')
    .option('--register <model>', 'register the logged model under this name when the job succeeds')
    .option('--name <name>', 'name of the job and its run')
    .option('--timeout <seconds>', 'stop it after this time')
    .option('--detach', 'print the job and return')
    .action(async (folder: string, options: Options) => {
      const client = await openClient(options)
      await ensureProject(client)
      const job = await submitFolder(client, folder, {
        entry_point: options.entryPoint,
        parameters: parameters(options.param),
        ...(options.name === undefined ? {} : { name: options.name }),
        ...(options.dataset === undefined ? {} : { dataset: options.dataset }),
        ...(options.experiment === undefined ? {} : { experiment: options.experiment }),
        ...(options.register === undefined ? {} : { register_as: options.register }),
        ...(options.timeout === undefined ? {} : { timeout_ms: Number(options.timeout) * 1000 }),
      })
      console.log(`Job ${job.id}: ${client.url}/${client.project.owner}/${client.project.name}/jobs/${job.id}`)
      if (options.detach === true) return
      const ended = await followJob(client, job.id, (text) => process.stdout.write(text))
      console.log(`Job ${ended.state}${ended.error === null ? '' : `: ${ended.error}`}`)
      if (ended.state !== 'succeeded') process.exitCode = 1
    })
}

function parameters(pairs: string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=')
      if (at < 1) throw new Error(`-P takes name=value, got "${pair}".`)
      return [pair.slice(0, at), pair.slice(at + 1)]
    }),
  )
}

/** Sends the folder as a code snapshot; what lies in `ignored` (names or paths inside it) stays here. */
export async function uploadCode(client: ApiClient, folder: string, ignored: readonly string[] = []): Promise<string> {
  const files = await uploadPath(client, folder, () => {}, ignored)
  return (await client.inProject<Answer<'/code', 'post'>>('POST', '/code', { files })).digest
}

export async function submitFolder(client: ApiClient, folder: string, job: NewJob): Promise<JobAnswer> {
  return client.inProject('POST', '/jobs', { ...job, code_digest: await uploadCode(client, folder) })
}

/** Prints the log as it grows until the job has ended. */
export async function followJob(
  client: ApiClient,
  id: string,
  onText: (text: string) => void = () => {},
  everyMs = 700,
): Promise<JobAnswer> {
  for (let offset = 0; ; ) {
    const job = await client.inProject<JobAnswer>('GET', `/jobs/${id}`)
    const answer = await client.raw('GET', client.projectPath(`/jobs/${id}/logs?offset=${offset}`))
    const text = await answer.text()
    offset = Number(answer.headers.get('x-next-offset') ?? offset)
    if (text !== '') onText(text)
    if (ENDED.has(job.state) && text === '') return job
    if (text === '') await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}
