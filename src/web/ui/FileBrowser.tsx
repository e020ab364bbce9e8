import { IconChevronDown, IconChevronRight, IconDownload, IconFile, IconFolder } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { apiUrl } from '../api/client.ts'
import { formatBytes } from '../format.ts'
import css from './FileBrowser.module.css'
import { FilePreview } from './FilePreview.tsx'
import { Loaded } from './Loading.tsx'

export type FileEntry = { name: string; path: string; is_folder: boolean; size_bytes: number | null }

export type FileSource = {
  /** Cache key of one folder's listing. */
  listKey: (path: string) => readonly unknown[]
  list: (path: string) => Promise<FileEntry[]>
  /** Route of a file's bytes, below /api/v1. */
  contentPath: (path: string) => string
  /** Route of a folder as a zip, below /api/v1, where there is one. */
  archivePath?: (path: string) => string
}

type Props = { source: FileSource; selected: string; onSelect: (path: string) => void; none?: string }

/** Files in folders, each folder asked for when it is opened; text and pictures are shown, everything can be downloaded. */
export function FileBrowser({ source, selected, onSelect, none = 'No files.' }: Props) {
  return (
    <div className={css.browser}>
      <nav className={css.tree} aria-label="Files">
        <Folder source={source} path="" depth={0} selected={selected} onSelect={onSelect} none={none} />
      </nav>
      {selected === '' ? (
        <p className={css.none}>Choose a file to look into it.</p>
      ) : (
        <FilePreview key={selected} path={selected} contentPath={source.contentPath(selected)} />
      )}
    </div>
  )
}

type FolderProps = Props & { path: string; depth: number; none: string }

function Folder({ source, path, depth, selected, onSelect, none }: FolderProps) {
  const query = useQuery({ queryKey: source.listKey(path), queryFn: () => source.list(path) })
  return (
    <Loaded query={query} skeleton={<div className={css.none}>Loading…</div>}>
      {(entries) =>
        entries.length === 0 ? (
          <div className={css.none}>{none}</div>
        ) : (
          <ul>
            {entries.map((entry) => (
              <Entry
                key={entry.path}
                entry={entry}
                source={source}
                depth={depth}
                selected={selected}
                onSelect={onSelect}
              />
            ))}
            {source.archivePath !== undefined && (
              <li>
                <a
                  className={css.archive}
                  style={{ paddingLeft: 26 + depth * 16 }}
                  href={apiUrl(source.archivePath(path))}
                  download
                >
                  <IconDownload size={14} aria-hidden />
                  {path === '' ? 'Download all as zip' : `Download ${path.split('/').at(-1)} as zip`}
                </a>
              </li>
            )}
          </ul>
        )
      }
    </Loaded>
  )
}

function Entry({
  entry,
  source,
  depth,
  selected,
  onSelect,
}: Omit<FolderProps, 'path' | 'none'> & { entry: FileEntry }) {
  const [open, setOpen] = useState(entry.is_folder && selected.startsWith(`${entry.path}/`))
  const Chevron = open ? IconChevronDown : IconChevronRight
  return (
    <li>
      <button
        type="button"
        className={css.entry}
        style={{ paddingLeft: 6 + depth * 16 }}
        aria-current={selected === entry.path || undefined}
        aria-expanded={entry.is_folder ? open : undefined}
        onClick={() => (entry.is_folder ? setOpen(!open) : onSelect(entry.path))}
      >
        {entry.is_folder ? <Chevron size={14} aria-hidden /> : <span style={{ width: 14 }} />}
        {entry.is_folder ? (
          <IconFolder size={15} stroke={1.75} aria-hidden />
        ) : (
          <IconFile size={15} stroke={1.75} aria-hidden />
        )}
        <span className="truncate">{entry.name}</span>
        {!entry.is_folder && <span className={css.size}>{formatBytes(entry.size_bytes)}</span>}
      </button>
      {open && (
        <Folder
          source={source}
          path={entry.path}
          depth={depth + 1}
          selected={selected}
          onSelect={onSelect}
          none="Empty."
        />
      )}
    </li>
  )
}
