import { paths, type Scope } from '../../paths.ts'

/** The page that a fragment of MLflow's own UI means, or null. */
export function fragmentTarget(scope: Scope, hash: string): string | null {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?')
  const parts = path.split('/').map(decodeURIComponent)
  if (parts[0] === 'experiments' && parts[2] === 'runs' && parts[3] !== undefined) return paths.run(scope, parts[3])
  if (parts[0] === 'experiments' && parts[1] !== undefined && parts[2] !== undefined) {
    const selected = new URLSearchParams(query)
    const [run, trace] = [selected.get('selectedRunUuid'), selected.get('selectedEvaluationId')]
    if (parts[2] === 'evaluation-runs' && run !== null) return paths.run(scope, run)
    if (parts[2] === 'traces') {
      return trace === null ? paths.traces(scope, { experiment: parts[1] }) : paths.trace(scope, trace)
    }
  }
  if (parts[0] === 'experiments' && parts[1] !== undefined) return paths.runs(scope, { experiment: parts[1] })
  if (parts[0] === 'models' && parts[1] !== undefined) {
    return parts[2] === 'versions' && parts[3] !== undefined
      ? paths.modelVersion(scope, parts[1], parts[3])
      : paths.model(scope, parts[1])
  }
  return null
}
