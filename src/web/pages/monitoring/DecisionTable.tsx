import type { Decision } from '../../api/monitoring.ts'
import { formatNumber } from '../../format.ts'
import { useScope } from '../../frame/project-context.ts'
import { paths, type Scope } from '../../paths.ts'
import { AppLink } from '../../ui/AppLink.tsx'
import { Chip } from '../../ui/Chip.tsx'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { StatusBadge } from '../../ui/StatusBadge.tsx'
import { Time } from '../../ui/values.tsx'
import { decisionTitle, signedPoints, stepText } from './words.ts'

type Row = Decision & { scope: Scope }

const COLUMNS: Column<Row>[] = [
  {
    id: 'decision',
    header: 'Decision',
    width: 120,
    cell: (row) => <AppLink to={paths.decision(row.scope, row.id)}>{decisionTitle(row)}</AppLink>,
  },
  {
    id: 'state',
    header: 'State',
    width: 150,
    phone: true,
    value: (row) => row.state,
    cell: (row) => <StatusBadge status={row.state} />,
  },
  {
    id: 'why',
    header: 'Because accuracy was',
    width: 180,
    phone: true,
    value: (row) => row.trigger.value,
    cell: (row) => (
      <span className="num" title={String(row.trigger.value)}>
        {formatNumber(row.trigger.value)} <span className="muted">below {formatNumber(row.trigger.threshold)}</span>
      </span>
    ),
  },
  {
    id: 'gain',
    header: 'Gain',
    width: 90,
    align: 'right',
    value: (row) => row.comparison?.sets[0]?.difference ?? null,
    cell: (row) => {
      const gain = row.comparison?.sets[0]?.difference
      if (gain === undefined) return <span className="muted">–</span>
      const colour = gain > 0 ? 'var(--success)' : 'var(--danger)'
      return (
        <span
          className="num"
          style={{ color: colour }}
          title="Difference of accuracy on held-out feedback, in percentage points"
        >
          {signedPoints(gain)}
        </span>
      )
    },
  },
  {
    id: 'endpoint',
    header: 'Endpoint',
    width: 130,
    value: (row) => row.endpoint,
    cell: (row) => (
      <Chip kind="endpoint" to={paths.endpointMonitoring(row.scope, row.endpoint)}>
        {row.endpoint}
      </Chip>
    ),
  },
  {
    id: 'reason',
    header: 'Reason',
    width: 340,
    cell: (row) => (
      <span className="muted" title={row.reason ?? undefined}>
        {row.reason ?? stepText(row.state)}
      </span>
    ),
  },
  {
    id: 'when',
    header: 'Begun',
    width: 110,
    phone: true,
    value: (row) => row.created_at_ms,
    cell: (row) => <Time ms={row.created_at_ms} />,
  },
]

const OF_ONE = COLUMNS.filter((column) => column.id !== 'endpoint')

type Props = {
  decisions: Decision[]
  none: string
  /** All are of one endpoint, which need not be said. */
  ofOne?: boolean
}

/** Decisions, newest first; each leads to the page that explains it. */
export function DecisionTable({ decisions, none, ofOne = false }: Props) {
  const scope = useScope()
  if (decisions.length === 0) return <p className="muted">{none}</p>
  return (
    <DataTable
      label="Decisions"
      columns={ofOne ? OF_ONE : COLUMNS}
      rows={decisions.map((decision) => ({ ...decision, scope }))}
      rowKey={(row) => row.id}
      rowTo={(row) => paths.decision(scope, row.id)}
      defaultSort="-when"
      urlPrefix="decisions-"
    />
  )
}
