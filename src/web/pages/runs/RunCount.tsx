import { useQuery } from '@tanstack/react-query'
import { type RunsFilter, runCountQuery } from '../../api/runs.ts'
import { formatCount, plural } from '../../format.ts'
import type { Scope } from '../../paths.ts'

/** How many runs the filter finds, beside the title. */
export function RunCount({ scope, search }: { scope: Scope; search: RunsFilter }) {
  const { data } = useQuery({ ...runCountQuery(scope, search), placeholderData: (before) => before })
  if (data === undefined) return null
  const { count, is_more } = data
  if (!is_more) return <span className="muted">{plural(count, 'run')}</span>
  return (
    <span className="muted" title={`More than ${plural(count, 'run')}; they are counted no further.`}>
      {formatCount(count)}+ runs
    </span>
  )
}
