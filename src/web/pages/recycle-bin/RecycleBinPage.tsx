import { Button, Select } from '@mantine/core'
import { useInfiniteQuery, useMutation } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { type BinItem, type BinKind, binQuery, restoreItem } from '../../api/recycle-bin.ts'
import { useProject } from '../../frame/project-context.ts'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { ErrorView } from '../../ui/ErrorView.tsx'
import { Loaded } from '../../ui/Loading.tsx'
import { Page } from '../../ui/Page.tsx'
import { useUrlParam } from '../../ui/url-state.ts'
import { Bytes, Time } from '../../ui/values.tsx'
import { DeleteForEver } from './DeleteForEver.tsx'
import css from './RecycleBin.module.css'
import { KINDS, withContents } from './words.ts'

type Acts = {
  restore: ((item: BinItem) => void) | null
  forEver: ((item: BinItem) => void) | null
  busy: string | null
}

const keyOf = (item: Pick<BinItem, 'kind' | 'id'>) => `${item.kind}/${item.id}`

function columnsFor({ restore, forEver, busy }: Acts): Column<BinItem>[] {
  return [
    { id: 'name', header: 'Deleted', width: 300, cell: (item) => <Thing item={item} /> },
    {
      id: 'kind',
      header: 'What',
      width: 200,
      phone: true,
      cell: (item) => (
        <span>
          {KINDS[item.kind].one} <span className="muted">{withContents(item)}</span>
        </span>
      ),
    },
    { id: 'by', header: 'By', width: 120, cell: (item) => item.deleted_by ?? <span className="muted">–</span> },
    { id: 'when', header: 'When', width: 120, phone: true, cell: (item) => <Time ms={item.deleted_at_ms} /> },
    {
      id: 'size',
      header: 'Would free',
      width: 110,
      align: 'right',
      cell: (item) => <Bytes value={item.size_bytes} />,
    },
    {
      id: 'acts',
      header: '',
      width: 200,
      phone: true,
      cell: (item) => (
        <span className={css.acts}>
          {restore !== null && (
            <Button
              size="compact-sm"
              variant="subtle"
              loading={busy === keyOf(item)}
              onClick={() => restore(item)}
              aria-label={`Restore ${item.name}`}
            >
              Restore
            </Button>
          )}
          {forEver !== null && (
            <Button
              size="compact-sm"
              variant="subtle"
              style={{ color: 'var(--danger)' }}
              onClick={() => forEver(item)}
              aria-label={`Delete ${item.name} for ever`}
            >
              Delete for ever
            </Button>
          )}
        </span>
      ),
    },
  ]
}

function Thing({ item }: { item: BinItem }) {
  const Icon = KINDS[item.kind].icon
  return (
    <span className={css.what}>
      <Icon size={15} stroke={1.75} aria-hidden />
      <strong className="truncate">{item.name}</strong>
    </span>
  )
}

/** What was deleted and can be restored, or deleted for ever. */
export function RecycleBinPage() {
  const { scope, canWrite, canManage } = useProject()
  const [kind, setKind] = useUrlParam('kind')
  const chosen = kind in KINDS ? (kind as BinKind) : null
  const bin = useInfiniteQuery(binQuery(scope, chosen))
  const [leaving, setLeaving] = useState<BinItem | null>(null)
  const restore = useMutation({ mutationFn: (item: BinItem) => restoreItem(scope, item) })
  const busy = restore.isPending ? keyOf(restore.variables) : null
  const columns = useMemo(
    () => columnsFor({ restore: canWrite ? restore.mutate : null, forEver: canManage ? setLeaving : null, busy }),
    [canWrite, canManage, restore.mutate, busy],
  )
  const purges = bin.data?.pages.some((page) => page.items.some((item) => item.purge_at_ms !== null)) === true
  return (
    <Page
      title="Recycle bin"
      lead={
        purges
          ? 'Deleted things can be restored until this server deletes them for ever by itself.'
          : 'Deleted things stay here, with all they hold, until somebody deletes them for ever.'
      }
    >
      <ErrorView error={restore.error} />
      <Loaded query={bin}>
        {({ pages }) => {
          const items = pages.flatMap((page) => page.items)
          return items.length === 0 && chosen === null ? (
            <EmptyState title="The recycle bin is empty">
              What is deleted in this project comes here first: experiments, runs, models, datasets and their versions.
              It can be restored as it was.
            </EmptyState>
          ) : (
            <>
              <DataTable
                label="Recycle bin"
                columns={columns}
                rows={items}
                rowKey={keyOf}
                none="Nothing of this kind was deleted."
                toolbar={<KindFilter kind={chosen} onChange={(next) => setKind(next ?? '')} />}
              />
              {bin.hasNextPage && (
                <div className={css.more}>
                  <Button onClick={() => void bin.fetchNextPage()} loading={bin.isFetchingNextPage}>
                    Show more
                  </Button>
                </div>
              )}
            </>
          )
        }}
      </Loaded>
      {leaving !== null && <DeleteForEver scope={scope} item={leaving} onClose={() => setLeaving(null)} />}
    </Page>
  )
}

function KindFilter({ kind, onChange }: { kind: BinKind | null; onChange: (kind: string | null) => void }) {
  return (
    <Select
      aria-label="Kind of thing"
      placeholder="Everything"
      clearable
      data={Object.entries(KINDS).map(([value, { many }]) => ({ value, label: many }))}
      value={kind}
      onChange={onChange}
      w={180}
    />
  )
}
