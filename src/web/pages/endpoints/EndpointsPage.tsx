import { useQuery } from '@tanstack/react-query'
import { type Endpoint, endpointsQuery } from '../../api/endpoints.ts'
import { useScope } from '../../frame/project-context.ts'
import { paths, type Scope } from '../../paths.ts'
import { AppLink } from '../../ui/AppLink.tsx'
import { Chip, Chips } from '../../ui/Chip.tsx'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { Loaded } from '../../ui/Loading.tsx'
import { Page } from '../../ui/Page.tsx'
import { SearchBox } from '../../ui/SearchBox.tsx'
import { Snippet } from '../../ui/Snippet.tsx'
import { StatusBadge } from '../../ui/StatusBadge.tsx'
import { useUrlParam } from '../../ui/url-state.ts'
import { Duration, Num, Time } from '../../ui/values.tsx'

type Row = Endpoint & { scope: Scope }

const COLUMNS: Column<Row>[] = [
  {
    id: 'name',
    header: 'Endpoint',
    width: 220,
    value: (row) => row.name,
    cell: (row) => <AppLink to={paths.endpoint(row.scope, row.name)}>{row.name}</AppLink>,
  },
  {
    id: 'state',
    header: 'State',
    width: 130,
    phone: true,
    value: (row) => row.serving.state,
    cell: (row) => <StatusBadge status={row.serving.state} />,
  },
  {
    id: 'serves',
    header: 'Serves',
    width: 260,
    phone: true,
    value: (row) => row.model,
    cell: (row) => <Serves endpoint={row} scope={row.scope} />,
  },
  {
    id: 'p50',
    header: 'p50',
    width: 90,
    align: 'right',
    value: (row) => row.stats.p50_ms,
    cell: (row) => <Duration ms={row.stats.p50_ms} />,
  },
  {
    id: 'p99',
    header: 'p99',
    width: 90,
    align: 'right',
    value: (row) => row.stats.p99_ms,
    cell: (row) => <Duration ms={row.stats.p99_ms} />,
  },
  {
    id: 'day',
    header: 'Predictions, 24 h',
    width: 150,
    align: 'right',
    phone: true,
    value: (row) => row.stats.predictions_24h,
    cell: (row) => <Num value={row.stats.predictions_24h} />,
  },
  {
    id: 'total',
    header: 'In all',
    width: 100,
    align: 'right',
    value: (row) => row.stats.predictions_total,
    cell: (row) => <Num value={row.stats.predictions_total} />,
  },
  {
    id: 'description',
    header: 'Description',
    width: 260,
    cell: (row) => <span className="muted">{row.description}</span>,
  },
  {
    id: 'made',
    header: 'Made',
    width: 120,
    value: (row) => row.created_at_ms,
    cell: (row) => <Time ms={row.created_at_ms} />,
  },
]

/** Which version answers, and by which alias. */
export function Serves({ endpoint, scope }: { endpoint: Endpoint; scope: Scope }) {
  const { version } = endpoint.serving
  return (
    <Chips>
      {version === null ? (
        <Chip kind="model" to={paths.model(scope, endpoint.model)}>
          {endpoint.model}
        </Chip>
      ) : (
        <Chip kind="model" to={paths.modelVersion(scope, endpoint.model, version)}>
          {endpoint.model} v{version}
        </Chip>
      )}
      {endpoint.alias !== null && (
        <Chip kind="tag" tone="accent" title={`It follows the alias ${endpoint.alias}`}>
          {endpoint.alias}
        </Chip>
      )}
    </Chips>
  )
}

/** Where a project's models answer. */
export function EndpointsPage() {
  const scope = useScope()
  const endpoints = useQuery(endpointsQuery(scope))
  const [search, setSearch] = useUrlParam('q')
  return (
    <Page title="Endpoints">
      <Loaded query={endpoints}>
        {(all) =>
          all.length === 0 ? (
            <NoEndpoints scope={scope} />
          ) : (
            <DataTable
              label="Endpoints"
              columns={COLUMNS}
              rows={all
                .filter((row) => `${row.name} ${row.model}`.toLowerCase().includes(search.toLowerCase()))
                .map((row) => ({ ...row, scope }))}
              rowKey={(row) => row.name}
              rowTo={(row) => paths.endpoint(scope, row.name)}
              defaultSort="name"
              none="No endpoint is called that."
              toolbar={<SearchBox value={search} onChange={setSearch} placeholder="Search endpoints" />}
            />
          )
        }
      </Loaded>
    </Page>
  )
}

function NoEndpoints({ scope }: { scope: Scope }) {
  return (
    <EmptyState
      title="No endpoints yet"
      waitingFor="Waiting for the first endpoint"
      snippet={
        <Snippet
          title="Deploy the version that an alias points at"
          code={`trainyard deploy my-endpoint --model my-model --alias champion --project ${scope.owner}/${scope.project}`}
        />
      }
    >
      An endpoint serves a registered model at an address: with a form for people, three protocols for programs, and a
      record of every prediction. <AppLink to={paths.models(scope)}>Choose a model</AppLink> and deploy it from its
      page.
    </EmptyState>
  )
}
