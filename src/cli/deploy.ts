import { Command } from 'commander'
import type { Answer } from './api-types.ts'
import { type ApiClient, ApiError, openClient, type ServerOptions, withServer } from './client.ts'

type Options = ServerOptions & { model?: string; alias?: string; version?: string; description?: string }
type EndpointAnswer = Answer<'/endpoints/{endpoint}', 'get'>

export function deployCommand(): Command {
  return withServer(
    new Command('deploy')
      .argument('<endpoint>')
      .description('Serve a model under a name; an endpoint on an alias follows it.'),
  )
    .requiredOption('--model <name>', 'registered model')
    .option('--alias <alias>', 'serve what this alias points at (default: champion)')
    .option('--version <n>', 'serve this fixed version')
    .option('--description <text>')
    .action(async (name: string, options: Options) => {
      const client = await openClient(options)
      const endpoint = await deploy(client, name, options)
      console.log(
        `${endpoint.name}: ${endpoint.serving.state}${endpoint.serving.version === null ? '' : `, version ${endpoint.serving.version} (${endpoint.serving.runtime})`}`,
      )
      console.log(
        `${client.url}/${client.project.owner}/${client.project.name}/endpoints/${encodeURIComponent(endpoint.name)}`,
      )
      console.log(endpoint.url)
    })
}

/** Makes the endpoint, or points an existing one at the alias or version. */
export async function deploy(
  client: ApiClient,
  name: string,
  options: { model?: string; alias?: string; version?: string; description?: string },
): Promise<EndpointAnswer> {
  if (options.version !== undefined && !/^\d+$/.test(options.version))
    throw new Error(`--version must be a number, got "${options.version}".`)
  const target =
    options.version === undefined ? { alias: options.alias ?? 'champion' } : { version: Number(options.version) }
  const description = options.description === undefined ? {} : { description: options.description }
  try {
    return await client.inProject('POST', '/endpoints', { name, model: options.model, ...target, ...description })
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 409) throw error
    return client.inProject('PATCH', `/endpoints/${encodeURIComponent(name)}`, { ...target, ...description })
  }
}
