import type { Context } from '../../context.ts'
import * as details from './details.store.ts'
import type { DatasetEntry, EntryColumn, EntryCommon, EntryFile } from './entry.ts'

/** What a dataset version says by itself; its parent's item is found later. */
export type DatasetPart = {
  parentId: string | null
  entry: Omit<DatasetEntry, keyof EntryCommon> & { description: string }
}

/** Licence, files, columns … of some dataset versions, by version id. */
export async function describeDatasets(ctx: Context, versionIds: string[]): Promise<Map<string, DatasetPart>> {
  const [rows, files] = await Promise.all([
    details.datasetDetails(ctx.db, versionIds),
    details.filesOf(ctx.db, versionIds),
  ])
  return new Map(
    rows.map((row): [string, DatasetPart] => {
      const tables = profiledTables(row.profile)
      const own = files
        .filter((file) => file.version_id === row.id)
        .map(
          (file): EntryFile => ({
            path: file.path,
            sha256: file.sha256,
            sizeBytes: file.size_bytes,
            ...(tables.get(file.path) ?? { rowCount: null, columns: null }),
          }),
        )
      const entry = {
        kind: 'dataset' as const,
        description: row.dataset_description,
        licence: row.licence,
        message: row.message,
        digest: row.digest,
        fromRecipe: row.recipe !== null,
        rowCount: row.row_count,
        files: own,
      }
      return [row.id, { parentId: row.parent_id, entry }]
    }),
  )
}

/** Row count and columns of each tabular file of a stored profile. */
function profiledTables(profile: string | null): Map<string, { rowCount: number; columns: EntryColumn[] }> {
  if (profile === null) return new Map()
  const { files } = JSON.parse(profile) as { files: { path: string; row_count: number; columns: EntryColumn[] }[] }
  return new Map(
    files.map((file) => [
      file.path,
      { rowCount: file.row_count, columns: file.columns.map(({ name, type }) => ({ name, type })) },
    ]),
  )
}
