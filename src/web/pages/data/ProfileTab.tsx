import { Select } from '@mantine/core'
import type { DatasetVersion, ProfileColumn } from '../../api/types.ts'
import { Bars, Histogram } from '../../charts/Bars.tsx'
import { formatCount, formatNumber, formatShare } from '../../format.ts'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { SearchBox } from '../../ui/SearchBox.tsx'
import { useUrlParam } from '../../ui/url-state.ts'
import css from './ProfileTab.module.css'
import tableCss from './TableTab.module.css'

/** What each column of a file holds. */
export function ProfileTab({ version }: { version: DatasetVersion }) {
  const files = version.profile?.files ?? []
  const [path, setPath] = useUrlParam('file', files[0]?.path ?? '')
  const [search, setSearch] = useUrlParam('column')
  const file = files.find((candidate) => candidate.path === path) ?? files[0]
  if (file === undefined) return <NoProfile version={version} />
  const shown = file.columns.filter((column) => column.name.toLowerCase().includes(search.toLowerCase()))
  return (
    <>
      <div className={tableCss.bar}>
        {files.length > 1 && (
          <Select
            aria-label="File"
            data={files.map((candidate) => candidate.path)}
            value={file.path}
            onChange={setPath}
            w={280}
          />
        )}
        <SearchBox value={search} onChange={setSearch} placeholder="Search columns" />
        <span className="muted num">
          {formatCount(file.row_count)} rows · {file.columns.length} columns
        </span>
      </div>
      <div className={css.columns}>
        {shown.map((column) => (
          <ColumnProfile key={column.name} column={column} rows={file.row_count} />
        ))}
      </div>
    </>
  )
}

function NoProfile({ version }: { version: DatasetVersion }) {
  if (version.profile_state === 'failed')
    return <EmptyState title="The profile failed">{version.profile_error ?? 'The server gave no reason.'}</EmptyState>
  if (version.profile_state === 'none')
    return <EmptyState title="Nothing to profile">This version holds no CSV, Parquet or JSON file.</EmptyState>
  return (
    <EmptyState title="The profile is being computed" waitingFor="Counting values">
      It says for each column what it holds, how much is missing and how it is distributed.
    </EmptyState>
  )
}

function ColumnProfile({ column, rows }: { column: ProfileColumn; rows: number }) {
  return (
    <section className={css.column} aria-label={column.name}>
      <div className={css.name}>
        <strong>{column.name}</strong>
        <span className="muted small">
          {column.kind} · {column.type.toLowerCase()}
        </span>
      </div>
      <div>
        {column.histogram !== null && column.histogram.length > 0 ? (
          <Histogram bins={column.histogram} height={72} />
        ) : (
          <Bars
            total={rows}
            bars={(column.top ?? []).slice(0, 8).map((entry) => ({
              label: String(entry.value),
              value: entry.count,
              title: `${entry.value}: ${formatCount(entry.count)}`,
            }))}
          />
        )}
      </div>
      <dl className={css.stats}>
        {statsOf(column, rows).map(([name, text, exact]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd className="num truncate" title={exact}>
              {text}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

function statsOf(column: ProfileColumn, rows: number): [name: string, text: string, exact: string][] {
  const number = (name: string, value: unknown): [string, string, string][] =>
    value === null || value === undefined
      ? []
      : [[name, typeof value === 'number' ? formatNumber(value) : String(value), String(value)]]
  const [q05, q25, q50, q75, q95] = column.quantiles ?? []
  return [
    [
      'Missing',
      rows === 0 ? '–' : formatShare(column.null_count / rows),
      `${formatCount(column.null_count)} of ${formatCount(rows)}`,
    ],
    ['Distinct', formatCount(column.distinct_count), String(column.distinct_count)],
    ...(column.kind === 'string' ? [] : number('Minimum', column.min)),
    ...number('5 %', q05),
    ...number('25 %', q25),
    ...number('Median', q50),
    ...number('75 %', q75),
    ...number('95 %', q95),
    ...(column.kind === 'string' ? [] : number('Maximum', column.max)),
    ...number('Mean', column.mean),
    ...number('Std. deviation', column.std),
  ]
}
