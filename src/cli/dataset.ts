import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { Command } from 'commander'
import { parseYaml } from '../lib/yaml.ts'
import type { Answer } from './api-types.ts'
import { type ApiClient, ensureProject, openClient, type ServerOptions, withServer } from './client.ts'
import { uploadPath } from './upload.ts'

type PushOptions = ServerOptions & { message?: string; description?: string; licence?: string }
type PrepareOptions = ServerOptions & { recipe: string; name?: string; message?: string }
export type DatasetVersionAnswer = Answer<'/datasets/{name}/versions/{version}', 'get'>
type Recipe = { target?: string; [key: string]: unknown }

export function datasetCommand(): Command {
  const dataset = new Command('dataset').description('Versioned datasets.')
  withServer(
    dataset
      .command('push')
      .argument('<name>')
      .argument('<path>', 'a file or a folder')
      .description('Send files as a new version.'),
  )
    .option('--message <text>', 'what changed')
    .option('--description <text>', 'what the dataset is')
    .option('--licence <id>', 'SPDX id, e.g. CC-BY-4.0')
    .action(async (name: string, path: string, options: PushOptions) => {
      const client = await openClient(options)
      await ensureProject(client)
      printVersion(client, await pushDataset(client, name, path, options))
    })
  withServer(
    dataset
      .command('prepare')
      .description('Apply a recipe (SQL steps) to a dataset; the result is a new version with its lineage.'),
  )
    .requiredOption('--recipe <file>', 'YAML or JSON: source, target, steps, outputs')
    .option('--name <dataset>', "dataset of the result (default: the recipe's target)")
    .option('--message <text>', 'what changed')
    .action(async (options: PrepareOptions) => {
      const client = await openClient(options)
      printVersion(client, await prepareDataset(client, options.recipe, options))
    })
  return dataset
}

/** Uploads what is missing and makes the version; the same files again give the same version. */
export async function pushDataset(
  client: ApiClient,
  name: string,
  path: string,
  options: { message?: string; description?: string; licence?: string },
): Promise<DatasetVersionAnswer> {
  const files = await uploadPath(client, path)
  return client.inProject('POST', `/datasets/${encodeURIComponent(name)}/versions`, {
    files,
    message: options.message ?? `Push ${basename(path)}`,
    ...(options.description === undefined ? {} : { description: options.description }),
    ...(options.licence === undefined ? {} : { licence: options.licence }),
  })
}

/** Reads a recipe file and has the server apply it. @throws Error when the file names no target and none is given */
export async function prepareDataset(
  client: ApiClient,
  recipeFile: string,
  options: { name?: string; message?: string },
): Promise<DatasetVersionAnswer> {
  const { target, ...recipe } = parseYaml(await readFile(recipeFile, 'utf8')) as Recipe
  const name = options.name ?? target
  if (name === undefined) throw new Error(`${recipeFile} names no target; add one, or give --name.`)
  return client.inProject('POST', `/datasets/${encodeURIComponent(name)}/versions/from-recipe`, {
    recipe,
    ...(options.message === undefined ? {} : { message: options.message }),
  })
}

function printVersion(client: ApiClient, version: DatasetVersionAnswer): void {
  const { owner, name } = client.project
  console.log(
    `${version.dataset}@${version.version}  ${version.file_count} file(s)${version.row_count === null ? '' : `, ${version.row_count} rows`}, ${version.digest.slice(0, 12)}`,
  )
  console.log(`${client.url}/${owner}/${name}/data/${encodeURIComponent(version.dataset)}/versions/${version.version}`)
}
