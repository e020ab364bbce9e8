import { ActionIcon } from '@mantine/core'
import { IconDownload } from '@tabler/icons-react'
import { useMemo } from 'react'
import { apiUrl } from '../../api/client.ts'
import { fileContentPath } from '../../api/data.ts'
import type { DatasetFile, DatasetVersion } from '../../api/types.ts'
import { useScope } from '../../frame/project-context.ts'
import type { Scope } from '../../paths.ts'
import { CopyButton } from '../../ui/CopyButton.tsx'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { Snippet } from '../../ui/Snippet.tsx'
import { TokenButton } from '../../ui/TokenButton.tsx'
import { Bytes } from '../../ui/values.tsx'
import { pythonReadSnippet } from './snippets.ts'

function columnsFor(scope: Scope, version: DatasetVersion): Column<DatasetFile>[] {
  return [
    { id: 'path', header: 'File', width: 380, value: (file) => file.path, cell: (file) => <code>{file.path}</code> },
    {
      id: 'size',
      header: 'Size',
      align: 'right',
      width: 120,
      value: (file) => file.size_bytes,
      cell: (file) => <Bytes value={file.size_bytes} />,
      phone: true,
    },
    {
      id: 'sha256',
      header: 'SHA-256',
      width: 240,
      cell: (file) => (
        <span style={{ display: 'flex', alignItems: 'center' }}>
          <code className="truncate" title={file.sha256}>
            {file.sha256.slice(0, 16)}…
          </code>
          <CopyButton text={file.sha256} what="SHA-256" size={22} />
        </span>
      ),
    },
    {
      id: 'download',
      header: '',
      width: 60,
      phone: true,
      cell: (file) => (
        <ActionIcon
          component="a"
          size={24}
          href={apiUrl(fileContentPath(scope, version.dataset, version.version, file.path))}
          download
          aria-label={`Download ${file.path}`}
        >
          <IconDownload size={15} stroke={1.75} />
        </ActionIcon>
      ),
    },
  ]
}

/** The files of a version, by content, and how to read them from Python. */
export function FilesTab({ version }: { version: DatasetVersion }) {
  const scope = useScope()
  const columns = useMemo(() => columnsFor(scope, version), [scope, version])
  const first = version.files[0]
  return (
    <>
      <DataTable label="Files" columns={columns} rows={version.files} rowKey={(file) => file.path} defaultSort="path" />
      {first !== undefined && (
        <div style={{ maxWidth: 860 }}>
          <Snippet
            title="Read it in Python"
            code={pythonReadSnippet(scope, version.dataset, version.version, first.path)}
            action={<TokenButton />}
          />
        </div>
      )}
    </>
  )
}
