import { Button, Select, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useInfiniteQuery } from '@tanstack/react-query'
import { type AuditRow, auditQuery } from '../../api/audit.ts'
import { shortId } from '../../format.ts'
import { useProject } from '../../frame/project-context.ts'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { Loaded } from '../../ui/Loading.tsx'
import { StatusBadge } from '../../ui/StatusBadge.tsx'
import { useUrlParam } from '../../ui/url-state.ts'
import { Time } from '../../ui/values.tsx'
import css from './Settings.module.css'

const RESULTS = [
  { value: 'done', label: 'Done' },
  { value: 'denied', label: 'Denied' },
  { value: 'failed', label: 'Failed' },
]
const CLIENTS: Record<AuditRow['client'], string> = {
  mlflow: 'MLflow client',
  browser: 'Browser',
  trainyard: 'Command line',
  other: 'Other client',
  platform: 'Trainyard itself',
}

/** The detail of a row as `key value`, the shortest form that says it all. */
function inWords(detail: AuditRow['detail']): string {
  return Object.entries(detail)
    .filter(([, value]) => value !== null && value !== '')
    .map(([name, value]) => `${name.replaceAll('_', ' ')} ${typeof value === 'object' ? JSON.stringify(value) : value}`)
    .join(', ')
}

/** What a row is about, as short as people know it. */
function nameOf({ kind, subject, detail }: AuditRow): string {
  if (kind === 'request' && typeof detail.path === 'string' && detail.path !== '')
    return `${subject.split(' ')[0]} ${detail.path}`
  return /^[0-9a-f]{32}$/.test(subject) ? shortId(subject) : subject
}

const COLUMNS: Column<AuditRow>[] = [
  {
    id: 'what',
    header: 'What',
    width: 320,
    cell: (row) => (
      <span title={inWords(row.detail)}>
        {row.verb} {row.kind === 'request' ? '' : `${row.kind.replaceAll('_', ' ')} `}
        <strong>{nameOf(row)}</strong>
      </span>
    ),
  },
  { id: 'who', header: 'Who', width: 130, phone: true, cell: (row) => row.actor },
  { id: 'when', header: 'When', width: 120, phone: true, cell: (row) => <Time ms={row.created_at_ms} /> },
  { id: 'result', header: 'Result', width: 110, phone: true, cell: (row) => <StatusBadge status={row.result} /> },
  {
    id: 'from',
    header: 'From',
    width: 140,
    cell: (row) => (row.address === '' ? <span className="muted">–</span> : <code>{row.address}</code>),
  },
  {
    id: 'client',
    header: 'Client',
    width: 150,
    cell: (row) => <span title={row.user_agent}>{CLIENTS[row.client]}</span>,
  },
  {
    id: 'detail',
    header: 'Detail',
    width: 320,
    cell: (row) => <span className="muted truncate">{inWords(row.detail)}</span>,
  },
]

/** Who did what, when, from where, and how it ended; with attempts that were refused. */
export function AuditTab() {
  const { scope } = useProject()
  const [actor, setActor] = useUrlParam('actor')
  const [result, setResult] = useUrlParam('result')
  const [asked] = useDebouncedValue(actor.trim(), 300)
  const chosen = RESULTS.find(({ value }) => value === result)?.value as AuditRow['result'] | undefined
  const audit = useInfiniteQuery(
    auditQuery(scope, {
      ...(asked === '' ? {} : { actor: asked }),
      ...(chosen === undefined ? {} : { result: chosen }),
    }),
  )
  return (
    <div className={css.wide}>
      <p className="muted">
        Each change leaves one row in the same transaction. Metrics and params of a run are its own data: its start, its
        end and who brings the data are here, not each point.
      </p>
      <Loaded query={audit}>
        {({ pages }) => (
          <>
            <DataTable
              label="Audit log"
              columns={COLUMNS}
              rows={pages.flatMap((page) => page.rows)}
              rowKey={(row) => String(row.id)}
              none="Nothing of the kind happened."
              toolbar={
                <>
                  <TextInput
                    aria-label="Who"
                    placeholder="Who"
                    value={actor}
                    onChange={(event) => setActor(event.currentTarget.value)}
                    w={160}
                  />
                  <Select
                    aria-label="Result"
                    placeholder="Any result"
                    clearable
                    data={RESULTS}
                    value={chosen ?? null}
                    onChange={(value) => setResult(value ?? '')}
                    w={150}
                  />
                </>
              }
            />
            {audit.hasNextPage && (
              <div className={css.line} style={{ paddingTop: 12 }}>
                <Button onClick={() => void audit.fetchNextPage()} loading={audit.isFetchingNextPage} mt={0}>
                  Show older
                </Button>
              </div>
            )}
          </>
        )}
      </Loaded>
    </div>
  )
}
