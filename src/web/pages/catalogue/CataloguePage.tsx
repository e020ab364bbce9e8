import { SegmentedControl } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { type CatalogueKind, catalogueQuery, type StacItem } from '../../api/catalogue.ts'
import { absolute } from '../../base.ts'
import { plural } from '../../format.ts'
import { useScope } from '../../frame/project-context.ts'
import { AppLink } from '../../ui/AppLink.tsx'
import { CopyButton } from '../../ui/CopyButton.tsx'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { Loaded } from '../../ui/Loading.tsx'
import { Page } from '../../ui/Page.tsx'
import { SearchBox } from '../../ui/SearchBox.tsx'
import { Snippet } from '../../ui/Snippet.tsx'
import { useUrlParams } from '../../ui/url-state.ts'
import { Time } from '../../ui/values.tsx'
import { ItemKind, ItemPanel } from './ItemPanel.tsx'
import { factsOf, pageOf, stacUrlOf } from './item-facts.ts'

type Row = StacItem & { onOpen: (id: string) => void }

const COLUMNS: Column<Row>[] = [
  {
    id: 'title',
    header: 'Item',
    width: 230,
    value: (item) => item.properties.title,
    cell: (item) => (
      <AppLink
        to={pageOf(item)}
        onClick={(event) => {
          if (event.metaKey || event.ctrlKey || event.shiftKey) return
          event.preventDefault()
          item.onOpen(item.id)
        }}
      >
        {item.properties.title}
      </AppLink>
    ),
  },
  {
    id: 'kind',
    header: 'Kind',
    width: 100,
    phone: true,
    value: (item) => item.collection,
    cell: (item) => <ItemKind item={item} />,
  },
  {
    id: 'facts',
    header: 'Facts',
    width: 380,
    phone: true,
    cell: (item) => <span className="muted">{factsOf(item).join(' · ')}</span>,
  },
  {
    id: 'project',
    header: 'Project',
    width: 160,
    value: (item) => item.properties['mlops:project'],
    cell: (item) => item.properties['mlops:project'],
  },
  {
    id: 'where',
    header: 'Where on Earth',
    width: 120,
    cell: (item) => (item.geometry === null ? <span className="muted">no place</span> : 'has a place'),
  },
  {
    id: 'created',
    header: 'Made',
    width: 110,
    phone: true,
    value: (item) => Date.parse(item.properties.datetime),
    cell: (item) => <Time ms={Date.parse(item.properties.datetime)} />,
  },
  {
    id: 'copy',
    header: 'STAC',
    width: 60,
    cell: (item) => <CopyButton text={stacUrlOf(item)} what="STAC URL" />,
  },
]

const KINDS = [
  { value: 'all', label: 'All' },
  { value: 'dataset', label: 'Datasets' },
  { value: 'ai-model', label: 'Models' },
]

/** What this project, or everybody, offers to catalogues: each dataset version and model version as a STAC item. */
export function CataloguePage() {
  const scope = useScope()
  const [address, change] = useUrlParams()
  const [text] = useDebouncedValue(address.q ?? '', 250)
  const kind = address.kind === 'dataset' || address.kind === 'ai-model' ? (address.kind as CatalogueKind) : null
  const everywhere = address.from === 'everywhere'
  const answer = useQuery(catalogueQuery(scope, { text, kind, everywhere }))
  const rows = useMemo(
    () => (answer.data?.items ?? []).map((item) => ({ ...item, onOpen: (id: string) => change({ item: id }) })),
    [answer.data, change],
  )
  const opened = answer.data?.items.find((item) => item.id === address.item)
  const filtered = text !== '' || kind !== null
  return (
    <Page
      title="Catalogue"
      lead="Every dataset version and model version is a STAC item, which portals and notebooks can find. A version never changes, so neither does where its item points."
    >
      <Loaded query={answer}>
        {(data) =>
          data.items.length === 0 && !filtered && !everywhere ? (
            <NoItems />
          ) : (
            <>
              <DataTable
                label="Catalogue items"
                columns={COLUMNS}
                rows={rows}
                rowKey={(item) => item.id}
                defaultSort="-created"
                none="Nothing in the catalogue matches."
                toolbar={
                  <>
                    <SearchBox
                      value={address.q ?? ''}
                      onChange={(q) => change({ q })}
                      placeholder="Search names and descriptions"
                    />
                    <SegmentedControl
                      aria-label="Kind"
                      data={KINDS}
                      value={kind ?? 'all'}
                      onChange={(value) => change({ kind: value === 'all' ? null : value })}
                    />
                    <SegmentedControl
                      aria-label="From"
                      data={[
                        { value: 'project', label: 'This project' },
                        { value: 'everywhere', label: 'All I may see' },
                      ]}
                      value={everywhere ? 'everywhere' : 'project'}
                      onChange={(value) => change({ from: value === 'project' ? null : value })}
                    />
                    <span className="muted small num">{plural(data.items.length, 'item')}</span>
                  </>
                }
              />
              {!data.complete && (
                <p className="muted small">Only the newest 1,000 items were looked at: search to find older ones.</p>
              )}
            </>
          )
        }
      </Loaded>
      <ItemPanel item={opened} onClose={() => change({ item: null })} />
    </Page>
  )
}

function NoItems() {
  return (
    <EmptyState
      title="Nothing in the catalogue yet"
      waitingFor="Waiting for the first version"
      snippet={
        <Snippet
          title="Look into the catalogue from Python"
          code={`from pystac_client import Client\n\ncatalog = Client.open("${absolute('/api/stac')}")\nfor item in catalog.search(collections=["dataset", "ai-model"]).items():\n    print(item.id, item.properties["title"])`}
        />
      }
    >
      A dataset version that is pushed and a model version that is registered appear here by themselves: nobody has to
      publish them. Who may see the project may see its items.
    </EmptyState>
  )
}
