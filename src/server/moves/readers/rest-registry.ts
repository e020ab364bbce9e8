import { errorMessage } from '../../../lib/errors.ts'
import type { Report } from '../report.ts'
import type { ModelVersion, RegisteredModel } from '../types.ts'
import { textOf, timeOf } from './fields.ts'
import type { Message, RestClient } from './rest-client.ts'
import { list, pages, pairsOf, versionOf } from './rest-messages.ts'

const API = '/api/2.0/mlflow'
/** Prompts are registered models that a search shows only when it asks for them. */
const SEARCHES = [undefined, "tags.`mlflow.prompt.is_prompt` = 'true'"]

/** The registered models of a server, prompts too. */
export async function* registeredModelsAt(client: RestClient, report: Report): AsyncIterable<RegisteredModel> {
  const seen = new Set<string>()
  for (const filter of SEARCHES) {
    const ask = (page_token?: string) =>
      client.get(`${API}/registered-models/search`, { max_results: '100', filter, page_token })
    try {
      for await (const found of pages(ask, 'registered_models')) {
        const name = textOf(found.name)
        if (seen.has(name)) continue
        seen.add(name)
        yield await modelAt(client, name)
      }
    } catch (error) {
      report.problem('registered models', `they could not be read: ${errorMessage(error)}`)
    }
  }
}

async function modelAt(client: RestClient, name: string): Promise<RegisteredModel> {
  const { registered_model } = await client.get(`${API}/registered-models/get`, { name })
  const model = (registered_model ?? {}) as Message
  const versions: ModelVersion[] = []
  const quote = name.includes("'") ? '"' : "'"
  const filter = `name = ${quote}${name}${quote}`
  const isPrompt = pairsOf(model.tags).some(({ key, value }) => key === 'mlflow.prompt.is_prompt' && value === 'true')
  const ask = (page_token?: string) =>
    client.get(`${API}/model-versions/search`, {
      filter: isPrompt ? `${filter} AND tags.\`mlflow.prompt.is_prompt\` = 'true'` : filter,
      max_results: '200',
      page_token,
    })
  for await (const message of pages(ask, 'model_versions')) versions.push(versionOf(message))
  versions.sort((a, b) => a.version - b.version)
  const createdAtMs = timeOf(model.creation_timestamp) ?? 0
  return {
    name,
    description: textOf(model.description),
    createdAtMs,
    updatedAtMs: timeOf(model.last_updated_timestamp) ?? createdAtMs,
    tags: pairsOf(model.tags),
    aliases: list(model.aliases).map((alias) => ({ alias: textOf(alias.alias), version: Number(alias.version) })),
    versions,
    lastVersion: Math.max(0, ...versions.map((version) => version.version)),
  }
}
