import { absolute } from '../../base.ts'
import type { Scope } from '../../paths.ts'

function server(): string {
  return absolute('/').replace(/\/$/, '')
}

/** The command that sends a file or folder as a new version, as it must be typed for this server and project. */
export function pushCommand(scope: Scope, dataset: string): string {
  return `export TRAINYARD_URL=${server()}\nnpx trainyard dataset push ${dataset} ./${dataset}.csv \\\n  --project ${scope.owner}/${scope.project}`
}

export function pythonReadSnippet(scope: Scope, dataset: string, version: number, file: string): string {
  const url = `${server()}/api/v1/projects/${scope.owner}/${scope.project}/datasets/${encodeURIComponent(dataset)}/versions/${version}/files/content?path=${encodeURIComponent(file)}`
  const reader = file.endsWith('.parquet') ? 'read_parquet' : file.endsWith('.csv') ? 'read_csv' : 'read_json'
  return `import pandas as pd\n\ndata = pd.${reader}("${url}")`
}
