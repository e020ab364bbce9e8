import { Skeleton } from '@mantine/core'
import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { ErrorView } from './ErrorView.tsx'

/** The outline of rows that are about to come. */
export function RowsSkeleton({ rows = 6 }: { rows?: number }) {
  return (
    <div role="status" aria-label="Loading" style={{ display: 'grid', gap: 12, paddingTop: 8 }}>
      {Array.from({ length: rows }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they never change places
        <Skeleton key={index} height={14} width={`${92 - ((index * 17) % 40)}%`} animate={false} />
      ))}
    </div>
  )
}

type Props<T> = { query: UseQueryResult<T>; children: (data: T) => ReactNode; skeleton?: ReactNode }

/** An answer, its outline while it comes, or why it does not. Keeps showing the last answer while it asks again. */
export function Loaded<T>({ query, children, skeleton }: Props<T>) {
  if (query.data !== undefined) return children(query.data)
  if (query.error !== null) return <ErrorView error={query.error} onRetry={() => void query.refetch()} />
  return skeleton ?? <RowsSkeleton />
}
