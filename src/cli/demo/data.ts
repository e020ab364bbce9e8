import { join } from 'node:path'
import { type DatasetVersionAnswer, prepareDataset, pushDataset } from '../dataset.ts'
import { type Stage, until } from './stage.ts'

type Profile = NonNullable<DatasetVersionAnswer['profile']>

/** Chapter 1: the raw rows become an immutable version, and are profiled. */
export async function pushData(stage: Stage): Promise<DatasetVersionAnswer> {
  const { client, narrator, page, example } = stage
  narrator.step('Push the raw data')
  const version = await pushDataset(client, 'adult', join(example, 'data', 'adult.csv.gz'), {
    message: 'Adult (Census Income), 48,842 rows',
    description:
      'Who earns more than 50,000 a year? Rows of the 1994 census (Becker & Kohavi 1996, doi 10.24432/C5XW20).',
    licence: 'CC-BY-4.0',
  })
  narrator.fact(
    `adult@${version.version}: ${(version.size_bytes / 1024).toFixed(0)} KiB, content hash ${version.digest.slice(0, 16)}`,
  )
  const profile = await profiled(stage, version)
  for (const file of profile) {
    const numbers = file.columns.filter((column) => column.kind === 'number').length
    narrator.fact(
      `profile: ${file.row_count.toLocaleString('en')} rows, ${file.columns.length} columns (${numbers} numbers, ${file.columns.length - numbers} others)`,
    )
  }
  narrator.see(`${page}/data/adult/versions/${version.version}`)
  return version
}

/** Chapter 2: the recipe cleans the rows and splits them; the result is a version of its own, with its lineage. */
export async function prepareData(stage: Stage, raw: DatasetVersionAnswer): Promise<DatasetVersionAnswer> {
  const { client, narrator, page, example } = stage
  narrator.step('Prepare it by a recipe: clean, merge rare countries, split')
  const version = await prepareDataset(client, join(example, 'recipe.yaml'), {})
  for (const file of await profiled(stage, version))
    narrator.fact(`${file.path.padEnd(16)} ${file.row_count.toLocaleString('en')} rows`)
  narrator.fact(`adult-prepared@${version.version} made from adult@${raw.version}`)
  narrator.see(`${page}/data/adult-prepared/versions/${version.version}`)
  return version
}

async function profiled(stage: Stage, version: DatasetVersionAnswer): Promise<Profile['files']> {
  return until(stage, `profiling ${version.dataset}@${version.version}`, async () => {
    const found = await stage.client.inProject<DatasetVersionAnswer>(
      'GET',
      `/datasets/${version.dataset}/versions/${version.version}`,
    )
    if (found.profile_state === 'failed')
      throw new Error(`The profile of ${version.dataset} failed: ${found.profile_error}`)
    return found.profile_state === 'ready' && found.profile !== null ? found.profile.files : null
  })
}
