import { experimentHandlers } from './experiments.handlers.ts'
import { loggedModelHandlers } from './logged-models.handlers.ts'
import type { Rpc } from './rpc.ts'
import { runDataHandlers } from './run-data.handlers.ts'
import { runHandlers } from './runs.handlers.ts'

/** Experiments, runs, metrics, inputs and logged models. */
export const trackingHandlers: Rpc[] = [
  ...experimentHandlers,
  ...runHandlers,
  ...runDataHandlers,
  ...loggedModelHandlers,
]
