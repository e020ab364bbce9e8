import type { TaskHandlers } from '../events/tasks.service.ts'
import { purgeExperiment } from './purge.service.ts'
import { reclaimTask, sweepTask } from './reclaim.service.ts'
import { tidy } from './retention.service.ts'

/** What this room does after a change, by kind of task. */
export const RECYCLING_TASKS: TaskHandlers = {
  'recycling.purge-experiment': purgeExperiment,
  'recycling.reclaim': reclaimTask,
  'recycling.sweep': sweepTask,
  'recycling.tidy': tidy,
}
