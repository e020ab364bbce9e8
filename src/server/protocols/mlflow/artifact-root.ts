/** The two places of MLflow's artifact proxy: for clients, and for its own UI. */
export const ARTIFACT_ROOTS = ['/api/2.0/mlflow-artifacts', '/ajax-api/2.0/mlflow-artifacts']

export const readRoute = { config: { permission: 'read' as const, door: true }, schema: { hide: true } }
export const writeRoute = {
  config: { permission: 'write' as const, door: true, runToken: true },
  schema: { hide: true },
}
