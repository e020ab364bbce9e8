import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconUpload } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { useMemo } from 'react'
import { datasetQuery } from '../../api/data.ts'
import type { VersionSummary } from '../../api/types.ts'
import { useProject } from '../../frame/project-context.ts'
import { useRemember } from '../../frame/recent.ts'
import { paths, type Scope } from '../../paths.ts'
import { AppLink } from '../../ui/AppLink.tsx'
import { Chip } from '../../ui/Chip.tsx'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { Loaded } from '../../ui/Loading.tsx'
import { Facts, Page } from '../../ui/Page.tsx'
import { Snippet } from '../../ui/Snippet.tsx'
import { TokenButton } from '../../ui/TokenButton.tsx'
import { Bytes, Num, Time } from '../../ui/values.tsx'
import { DatasetMenu } from './DatasetMenu.tsx'
import { pushCommand } from './snippets.ts'
import { UploadModal } from './UploadModal.tsx'

function columnsFor(scope: Scope, dataset: string): Column<VersionSummary>[] {
  return [
    {
      id: 'version',
      header: 'Version',
      width: 110,
      value: (row) => row.version,
      cell: (row) => <AppLink to={paths.datasetVersion(scope, dataset, row.version)}>version {row.version}</AppLink>,
    },
    {
      id: 'message',
      header: 'What changed',
      width: 360,
      cell: (row) => row.message || <span className="muted">–</span>,
      phone: true,
    },
    {
      id: 'from',
      header: 'Made from',
      width: 200,
      cell: (row) =>
        row.parent === null ? (
          <span className="muted">{row.has_recipe ? 'recipe' : 'upload'}</span>
        ) : (
          <Chip kind="dataset" to={paths.datasetVersion(scope, row.parent.dataset, row.parent.version)}>
            {row.parent.dataset}@{row.parent.version}
            {row.has_recipe ? ' by recipe' : ''}
          </Chip>
        ),
    },
    ...measures(),
  ]
}

function measures(): Column<VersionSummary>[] {
  return [
    {
      id: 'rows',
      header: 'Rows',
      align: 'right',
      width: 110,
      value: (row) => row.row_count,
      cell: (row) => <Num value={row.row_count} />,
      phone: true,
    },
    {
      id: 'files',
      header: 'Files',
      align: 'right',
      width: 80,
      value: (row) => row.file_count,
      cell: (row) => <Num value={row.file_count} />,
    },
    {
      id: 'size',
      header: 'Size',
      align: 'right',
      width: 110,
      value: (row) => row.size_bytes,
      cell: (row) => <Bytes value={row.size_bytes} />,
    },
    {
      id: 'digest',
      header: 'Digest',
      width: 130,
      cell: (row) => <code title={row.digest}>{row.digest.slice(0, 12)}</code>,
      hidden: true,
    },
    { id: 'by', header: 'By', width: 120, value: (row) => row.created_by, cell: (row) => row.created_by },
    {
      id: 'created',
      header: 'Made',
      width: 130,
      value: (row) => row.created_at_ms,
      cell: (row) => <Time ms={row.created_at_ms} />,
      phone: true,
    },
  ]
}

/** A dataset: its versions, newest first. */
export function DatasetPage() {
  const { scope, canWrite } = useProject()
  const name = useParams({ strict: false }).dataset ?? ''
  const dataset = useQuery(datasetQuery(scope, name))
  const [opened, { open, close }] = useDisclosure(false)
  const columns = useMemo(() => columnsFor(scope, name), [scope, name])
  useRemember(paths.dataset(scope, name), dataset.data?.name, 'Dataset')
  return (
    <Page
      title={name}
      lead={dataset.data?.description}
      actions={
        <>
          {dataset.data !== undefined && <DatasetMenu dataset={name} version={null} />}
          {canWrite && (
            <Button variant="filled" leftSection={<IconUpload size={15} />} onClick={open}>
              New version
            </Button>
          )}
        </>
      }
      facts={
        dataset.data && (
          <Facts
            items={[
              ['Made by', dataset.data.created_by],
              ['Made', <Time key="made" ms={dataset.data.created_at_ms} />],
              ['Licence', dataset.data.licence],
            ]}
          />
        )
      }
    >
      <Loaded query={dataset}>
        {({ versions }) =>
          versions.length === 0 ? (
            <EmptyState
              title="No version yet"
              waitingFor="Waiting for the first version"
              snippet={
                <Snippet title="From the command line" code={pushCommand(scope, name)} action={<TokenButton />} />
              }
            >
              The dataset has a name, but nothing was published to it.
            </EmptyState>
          ) : (
            <DataTable
              label="Versions"
              columns={columns}
              rows={versions}
              rowKey={(row) => String(row.version)}
              rowTo={(row) => paths.datasetVersion(scope, name, row.version)}
              defaultSort="-version"
              chooser
            />
          )
        }
      </Loaded>
      <UploadModal opened={opened} onClose={close} dataset={name} />
    </Page>
  )
}
