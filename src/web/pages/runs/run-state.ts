import type { Run } from '../../api/types.ts'

/** The state that a run is shown in: what it says of itself, unless it was deleted or fell silent. */
export function runState(run: Pick<Run, 'lifecycle' | 'status' | 'lost_since_ms'>): string {
  if (run.lifecycle === 'deleted') return 'deleted'
  return run.lost_since_ms === null ? run.status : 'lost'
}
