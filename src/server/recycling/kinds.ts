import type { BinKind } from '../../db/tables/recycling.ts'

export type { BinKind } from '../../db/tables/recycling.ts'

/** What can lie in a recycle bin, in alphabetical order. */
export const BIN_KINDS = [
  'dataset',
  'dataset_version',
  'experiment',
  'logged_model',
  'model',
  'model_version',
  'run',
] as const satisfies readonly BinKind[]

/** Words for messages. */
export const WORDS: Record<BinKind, string> = {
  dataset: 'dataset',
  dataset_version: 'dataset version',
  experiment: 'experiment',
  logged_model: 'logged model',
  model: 'model',
  model_version: 'model version',
  run: 'run',
}
