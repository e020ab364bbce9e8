/** What can lie in a recycle bin. Each name is also the `kind` of its events. */
export const BIN_KINDS = [
  'dataset',
  'dataset_version',
  'experiment',
  'logged_model',
  'model',
  'model_version',
  'run',
] as const
export type BinKind = (typeof BIN_KINDS)[number]

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
