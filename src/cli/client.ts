import type { Command } from 'commander'
import { readClientConfig } from '../config.ts'

/** Options of every command that talks to a server. */
export function withServer(command: Command): Command {
  return command
    .option('--url <url>', 'server (TRAINYARD_URL; default http://127.0.0.1:5000)')
    .option('--token <token>', 'access token (better: TRAINYARD_TOKEN, which no process list shows)')
    .option('--project <owner/name>', 'project (TRAINYARD_PROJECT; default <you>/default)')
}

export type ServerOptions = { url?: string; token?: string; project?: string }

/** Splits `owner/name`. @throws Error showing the form */
export function projectName(text: string): { owner: string; name: string } {
  const [owner, name, ...rest] = text.split('/')
  if (!owner || !name || rest.length > 0) throw new Error(`A project is written owner/name, got "${text}".`)
  return { owner, name }
}

/** An answer that is not 2xx, with the server's own sentence. */
export class ApiError extends Error {
  readonly status: number
  readonly field: string | undefined

  constructor(status: number, message: string, field?: string) {
    super(field === undefined ? message : `${message} (field: ${field})`)
    this.status = status
    this.field = field
  }
}

/** The public API of one server and one project. Paths are relative to /api/v1, or to the project's part of it. */
export class ApiClient {
  readonly url: string
  readonly project: { owner: string; name: string }
  private readonly token: string | undefined

  constructor(url: string, project: { owner: string; name: string }, token?: string) {
    this.url = url.replace(/\/$/, '')
    this.project = project
    this.token = token
  }

  /** One JSON request to `/api/v1<path>`. @throws ApiError */
  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.raw(
      method,
      path,
      body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } },
    )
    const text = await answer.text()
    return (text === '' ? null : JSON.parse(text)) as T
  }

  /** The same below the project: `/api/v1/projects/<owner>/<name><path>`. */
  inProject<T>(method: string, path: string, body?: unknown): Promise<T> {
    return this.call<T>(method, this.projectPath(path), body)
  }

  projectPath(path: string): string {
    return `/projects/${this.project.owner}/${this.project.name}${path}`
  }

  /** A request whose answer is not (only) JSON. @throws ApiError */
  async raw(method: string, path: string, init: RequestInit = {}): Promise<Response> {
    const headers = {
      'user-agent': 'trainyard-cli',
      ...(this.token === undefined ? {} : { authorization: `Bearer ${this.token}` }),
      ...(init.headers as Record<string, string>),
    }
    let answer: Response
    try {
      answer = await fetch(`${this.url}/api/v1${path}`, { ...init, method, headers })
    } catch (error) {
      const cause = (error as { cause?: { code?: string } }).cause?.code
      throw new Error(
        `No Trainyard answers at ${this.url}${cause === undefined ? '' : ` (${cause})`}. Start one with \`npm start\`, or name another with --url.`,
      )
    }
    if (answer.ok) return answer
    const text = await answer.text()
    let message = text.slice(0, 500)
    let field: string | undefined
    try {
      const parsed = JSON.parse(text) as { error?: { message?: string; field?: string } }
      message = parsed.error?.message ?? message
      field = parsed.error?.field
    } catch {}
    throw new ApiError(answer.status, message === '' ? `The server answered ${answer.status}.` : message, field)
  }
}

/** Makes the client from a command's options and the environment; asks the server who we are for the default project. */
export async function openClient(options: ServerOptions): Promise<ApiClient> {
  const fromEnv = readClientConfig()
  const url = options.url ?? fromEnv.url
  const token = options.token ?? fromEnv.token
  const text = options.project ?? fromEnv.project
  if (text !== undefined) return new ApiClient(url, projectName(text), token)
  const me = await new ApiClient(url, { owner: '', name: '' }, token).call<{ kind: string; name: string }>('GET', '/me')
  if (me.kind === 'anonymous')
    throw new Error('This server has accounts: set TRAINYARD_TOKEN, and --project owner/name.')
  return new ApiClient(url, { owner: me.name, name: 'default' }, token)
}

/** Makes the project when it is not there. */
export async function ensureProject(client: ApiClient): Promise<void> {
  try {
    await client.inProject('GET', '')
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error
    await client.call('POST', '/projects', { owner: client.project.owner, name: client.project.name })
  }
}
