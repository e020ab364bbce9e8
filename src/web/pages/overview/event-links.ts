import type { ProjectEvent } from '../../api/projects.ts'
import { paths, type Scope } from '../../paths.ts'

/** Where the thing of an event is shown, or null when it is gone or has no page. */
export function eventTarget(scope: Scope, event: ProjectEvent): string | null {
  if (event.verb === 'deleted' || event.verb === 'purged') return null
  const { kind, subject } = event
  const slash = subject.lastIndexOf('/')
  const [name, last] = slash < 0 ? [subject, ''] : [subject.slice(0, slash), subject.slice(slash + 1)]
  switch (kind) {
    case 'run':
      return paths.run(scope, subject)
    case 'job':
      return paths.job(scope, subject)
    case 'dataset':
      return paths.dataset(scope, subject)
    case 'dataset_version':
      return paths.datasetVersion(scope, name, last)
    case 'model':
      return paths.model(scope, subject)
    case 'model_version':
    case 'form':
      return last === '' ? paths.model(scope, name) : paths.modelVersion(scope, name, last)
    case 'alias':
      return paths.model(scope, name)
    case 'endpoint':
      return paths.endpoint(scope, subject)
    case 'feedback':
    case 'policy':
      return paths.endpointMonitoring(scope, name)
    case 'decision':
      return paths.decision(scope, subject)
    case 'member':
    case 'project':
      return paths.settings(scope)
    default:
      return null
  }
}
