import { artifactScenarios } from './artifacts.ts'
import { experimentScenarios, experimentSearch } from './experiments.ts'
import { inputScenarios } from './inputs.ts'
import { loggedModelScenarios } from './logged-models.ts'
import { metricScenarios } from './metrics.ts'
import { registryScenarios } from './registry.ts'
import { registrySearch } from './registry-search.ts'
import { runScenarios } from './runs.ts'
import { runSearchScenarios } from './runs-search.ts'
import type { Scenario } from './scenario.ts'
import { wireScenarios } from './wire.ts'

/** In the order in which they are played on one fresh server: the first two look at everything that it has. */
export const SCENARIOS: readonly Scenario[] = [
  experimentSearch,
  registrySearch,
  ...experimentScenarios,
  ...runScenarios,
  ...metricScenarios,
  ...inputScenarios,
  ...runSearchScenarios,
  ...loggedModelScenarios,
  ...registryScenarios,
  ...artifactScenarios,
  ...wireScenarios,
]
