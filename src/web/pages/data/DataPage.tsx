import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconUpload } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { datasetsQuery } from '../../api/data.ts'
import type { Dataset } from '../../api/types.ts'
import { useProject } from '../../frame/project-context.ts'
import { paths, type Scope } from '../../paths.ts'
import { AppLink } from '../../ui/AppLink.tsx'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { Loaded } from '../../ui/Loading.tsx'
import { Page } from '../../ui/Page.tsx'
import { SearchBox } from '../../ui/SearchBox.tsx'
import { Snippet } from '../../ui/Snippet.tsx'
import { TokenButton } from '../../ui/TokenButton.tsx'
import { useUrlParam } from '../../ui/url-state.ts'
import { Bytes, Num, Time } from '../../ui/values.tsx'
import { pushCommand } from './snippets.ts'
import { UploadModal } from './UploadModal.tsx'

function columnsFor(scope: Scope): Column<Dataset>[] {
  return [
    {
      id: 'name',
      header: 'Dataset',
      width: 260,
      value: (dataset) => dataset.name,
      cell: (dataset) => <AppLink to={paths.dataset(scope, dataset.name)}>{dataset.name}</AppLink>,
    },
    {
      id: 'description',
      header: 'Description',
      width: 340,
      cell: (dataset) => <span className="muted">{dataset.description}</span>,
    },
    {
      id: 'latest',
      header: 'Latest',
      width: 100,
      value: (dataset) => dataset.latest?.version ?? null,
      phone: true,
      cell: (dataset) =>
        dataset.latest === null ? (
          '–'
        ) : (
          <AppLink to={paths.datasetVersion(scope, dataset.name, dataset.latest.version)}>
            version {dataset.latest.version}
          </AppLink>
        ),
    },
    ...measures(),
  ]
}

function measures(): Column<Dataset>[] {
  return [
    {
      id: 'rows',
      header: 'Rows',
      align: 'right',
      width: 110,
      value: (dataset) => dataset.latest?.row_count ?? null,
      cell: (dataset) => <Num value={dataset.latest?.row_count} />,
    },
    {
      id: 'size',
      header: 'Size',
      align: 'right',
      width: 110,
      value: (dataset) => dataset.latest?.size_bytes ?? null,
      phone: true,
      cell: (dataset) => <Bytes value={dataset.latest?.size_bytes} />,
    },
    {
      id: 'licence',
      header: 'Licence',
      width: 130,
      value: (dataset) => dataset.licence,
      cell: (dataset) => dataset.licence || <span className="muted">–</span>,
    },
    {
      id: 'by',
      header: 'Made by',
      width: 130,
      value: (dataset) => dataset.created_by,
      cell: (dataset) => dataset.created_by,
      hidden: true,
    },
    {
      id: 'changed',
      header: 'Changed',
      width: 130,
      value: (dataset) => dataset.latest?.created_at_ms ?? dataset.created_at_ms,
      phone: true,
      cell: (dataset) => <Time ms={dataset.latest?.created_at_ms ?? dataset.created_at_ms} />,
    },
  ]
}

/** The datasets of a project. */
export function DataPage() {
  const { scope, canWrite } = useProject()
  const datasets = useQuery(datasetsQuery(scope))
  const [search, setSearch] = useUrlParam('q')
  const [opened, { open, close }] = useDisclosure(false)
  const columns = useMemo(() => columnsFor(scope), [scope])
  const button = canWrite ? (
    <Button variant="filled" leftSection={<IconUpload size={15} />} onClick={open}>
      Upload data
    </Button>
  ) : undefined
  return (
    <Page title="Data" actions={button}>
      <Loaded query={datasets}>
        {(all) =>
          all.length === 0 ? (
            <EmptyState
              title="No data yet"
              actions={button}
              waitingFor="Waiting for the first dataset"
              snippet={
                <Snippet title="From the command line" code={pushCommand(scope, 'my-data')} action={<TokenButton />} />
              }
            >
              A dataset is a line of versions. A version never changes: it names its files by their content, says what
              it was made from, and every run that used it points back to it.
            </EmptyState>
          ) : (
            <DataTable
              label="Datasets"
              columns={columns}
              rows={all.filter((dataset) =>
                `${dataset.name} ${dataset.description}`.toLowerCase().includes(search.toLowerCase()),
              )}
              rowKey={(dataset) => dataset.name}
              rowTo={(dataset) => paths.dataset(scope, dataset.name)}
              defaultSort="-changed"
              chooser
              none="No dataset matches."
              toolbar={<SearchBox value={search} onChange={setSearch} placeholder="Search datasets" />}
            />
          )
        }
      </Loaded>
      <UploadModal opened={opened} onClose={close} />
    </Page>
  )
}
