import { modelHandlers } from './registry-models.handlers.ts'
import { versionFileRoute, versionHandlers } from './registry-versions.handlers.ts'
import type { DoorRoutes, Rpc } from './rpc.ts'

/** Registered models, versions and aliases. */
export const registryHandlers: Rpc[] = [...modelHandlers, ...versionHandlers]

/** `/model-versions/get-artifact`. */
export const registryRoutes: DoorRoutes = versionFileRoute
