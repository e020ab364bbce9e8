import { Button } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import { type Endpoint, type Prediction, predictionsQuery } from '../../api/endpoints.ts'
import { formatCell } from '../../format.ts'
import { useScope } from '../../frame/project-context.ts'
import { paths, type Scope } from '../../paths.ts'
import { AppLink } from '../../ui/AppLink.tsx'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { Loaded } from '../../ui/Loading.tsx'
import { useUrlParam } from '../../ui/url-state.ts'
import { Duration, Time } from '../../ui/values.tsx'
import { answerText, scoreOf } from './answer-text.ts'
import { EndpointShell } from './EndpointShell.tsx'
import { FeedbackCell, PredictionPanel } from './PredictionPanel.tsx'

type Row = Prediction & { scope: Scope; model: string; onOpen: (id: string) => void }

const COLUMNS: Column<Row>[] = [
  {
    id: 'value',
    header: 'Answer',
    width: 150,
    cell: (row) => (
      <Button size="compact-sm" variant="subtle" style={{ marginLeft: -8 }} onClick={() => row.onOpen(row.id)}>
        <strong style={{ color: 'var(--text)' }}>{answerText(row.value)}</strong>
      </Button>
    ),
  },
  {
    id: 'score',
    header: 'Score',
    width: 80,
    align: 'right',
    cell: (row) => <ScoreCell value={scoreOf(row.value, row.scores)} />,
  },
  {
    id: 'feedback',
    header: 'What it was',
    width: 150,
    phone: true,
    cell: (row) => <FeedbackCell prediction={row} />,
  },
  {
    id: 'inputs',
    header: 'Inputs',
    width: 460,
    cell: (row) => (
      <span className="muted" title={inputsText(row.inputs, '\n')}>
        {inputsText(row.inputs, ' · ')}
      </span>
    ),
  },
  {
    id: 'version',
    header: 'Version',
    width: 80,
    phone: true,
    cell: (row) => <AppLink to={paths.modelVersion(row.scope, row.model, row.version)}>v{row.version}</AppLink>,
  },
  { id: 'latency', header: 'Computed in', width: 110, align: 'right', cell: (row) => <Duration ms={row.latency_ms} /> },
  { id: 'time', header: 'When', width: 120, phone: true, cell: (row) => <Time ms={row.created_at_ms} /> },
]

/** One decimal always, so that the points stand below each other. */
function ScoreCell({ value }: { value: number | null }) {
  if (value === null) return <span className="muted">–</span>
  return (
    <span className="num" title={String(value)}>
      {(value * 100).toFixed(1)} %
    </span>
  )
}

function inputsText(inputs: Record<string, unknown>, between: string): string {
  return Object.entries(inputs)
    .map(([name, value]) => `${name} ${formatCell(value)}`)
    .join(between)
}

/** Everything an endpoint predicted, newest first, as it happens. */
export function PredictionsPage() {
  return <EndpointShell tab="predictions">{(endpoint) => <Log endpoint={endpoint} />}</EndpointShell>
}

function Log({ endpoint }: { endpoint: Endpoint }) {
  const scope = useScope()
  const query = useInfiniteQuery(predictionsQuery(scope, endpoint.name))
  const [opened, setOpened] = useUrlParam('prediction')
  const all = useMemo(() => (query.data?.pages ?? []).flatMap((page) => page.predictions), [query.data])
  const rows = useMemo(
    () => all.map((one) => ({ ...one, scope, model: endpoint.model, onOpen: setOpened })),
    [all, scope, endpoint.model, setOpened],
  )
  const shown = all.find((one) => one.id === opened)
  return (
    <Loaded query={query}>
      {(data) =>
        all.length === 0 ? (
          <EmptyState title="No predictions yet" waitingFor="Waiting for the first prediction">
            Every answer that this endpoint gives is recorded here, with its inputs and the version that gave it.{' '}
            <AppLink to={paths.endpoint(scope, endpoint.name)}>Try it</AppLink>, or{' '}
            <AppLink to={paths.endpointUse(scope, endpoint.name)}>call it from a program</AppLink>.
          </EmptyState>
        ) : (
          <>
            <DataTable label="Predictions" columns={COLUMNS} rows={rows} rowKey={(row) => row.id} />
            <div style={{ display: 'flex', gap: 12, alignItems: 'center' }}>
              {query.hasNextPage && (
                <Button loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
                  Load older
                </Button>
              )}
              <span className="muted small">
                {data.pages.length > 1
                  ? 'Older ones are shown, so new ones do not appear by themselves.'
                  : 'New ones appear by themselves.'}
              </span>
            </div>
            <PredictionPanel
              endpoint={endpoint}
              prediction={shown}
              opened={shown !== undefined}
              onClose={() => setOpened(null)}
            />
          </>
        )
      }
    </Loaded>
  )
}
