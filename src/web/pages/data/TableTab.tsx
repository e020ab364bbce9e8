import { Select } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { rowsQuery } from '../../api/data.ts'
import type { DatasetVersion, FileProfile } from '../../api/types.ts'
import { formatCount } from '../../format.ts'
import { useScope } from '../../frame/project-context.ts'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { ErrorView } from '../../ui/ErrorView.tsx'
import { RowsSkeleton } from '../../ui/Loading.tsx'
import { useUrlParam } from '../../ui/url-state.ts'
import { RowsGrid } from './RowsGrid.tsx'
import css from './TableTab.module.css'

/** The files of a version that hold rows, from its profile, else by their names. */
export function tableFiles(version: DatasetVersion): string[] {
  if (version.profile !== null) return version.profile.files.map((file) => file.path)
  return version.files
    .map((file) => file.path)
    .filter((path) => /\.(csv|tsv|parquet|json|jsonl|ndjson)(\.gz)?$/i.test(path))
}

/** The rows of a version as a sheet that nobody can break: sort, scroll, read what each column holds. */
export function TableTab({ version }: { version: DatasetVersion }) {
  const files = tableFiles(version)
  const [file, setFile] = useUrlParam('file', files[0] ?? '')
  const profile = version.profile?.files.find((candidate) => candidate.path === file) ?? null
  if (files.length === 0) {
    return (
      <EmptyState title="No table in this version">
        Its files are not CSV, Parquet or JSON. They are under Files.
      </EmptyState>
    )
  }
  return (
    <>
      {files.length > 1 && (
        <div className={css.bar}>
          <Select
            aria-label="File"
            data={files}
            value={file}
            onChange={(value) => setFile(value)}
            w={280}
            searchable={files.length > 10}
          />
        </div>
      )}
      <Sheet key={file} version={version} file={file} profile={profile} />
    </>
  )
}

function Sheet({ version, file, profile }: { version: DatasetVersion; file: string; profile: FileProfile | null }) {
  const scope = useScope()
  const [sort, setSort] = useUrlParam('order')
  const first = useQuery(rowsQuery(scope, version.dataset, version.version, file, sort, 0))
  if (first.error !== null) return <ErrorView error={first.error} onRetry={() => void first.refetch()} />
  if (first.data === undefined) return <RowsSkeleton rows={14} />
  return (
    <>
      <RowsGrid version={version} file={file} profile={profile} first={first.data} sort={sort} onSort={setSort} />
      <p className="muted small num">
        {formatCount(first.data.total)} rows · {first.data.columns.length} columns
        {version.profile_state === 'queued' && ' · the profile is being computed…'}
        {version.profile_error !== null && ` · the profile failed: ${version.profile_error}`}
      </p>
    </>
  )
}
