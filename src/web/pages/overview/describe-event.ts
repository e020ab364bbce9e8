import type { ProjectEvent } from '../../api/projects.ts'

export type Happening = {
  id: number
  atMs: number
  /** Words before and after the name of the thing: "ada started run", "baseline", "". */
  before: string
  name: string
  after: string
  event: ProjectEvent
}

const NOUNS: Record<string, string> = {
  logged_model: 'logged model',
  model_version: 'model version',
  dataset_version: 'dataset version',
}
const RUN_ENDS: Record<string, string> = { FINISHED: 'finished', FAILED: 'failed', KILLED: 'was stopped' }

/** Events as sentences, newest first. Steps on the way (a tag set, a job preparing) are left out: they have no news. */
export function happenings(events: ProjectEvent[]): Happening[] {
  const names = new Map<string, string>()
  for (const event of events) {
    const name = event.detail.name
    if (typeof name === 'string') names.set(event.subject, name)
  }
  return events.flatMap((event) => {
    const words = sentence(event)
    return words === null
      ? []
      : [
          {
            id: event.id,
            atMs: event.created_at_ms,
            before: words[0],
            name: names.get(event.subject) ?? event.subject,
            after: words[1],
            event,
          },
        ]
  })
}

function sentence(event: ProjectEvent): [before: string, after: string] | null {
  const { actor, verb, kind, detail } = event
  if (kind === 'run' && verb === 'created') return [`${actor} started run`, '']
  if (kind === 'run' && verb === 'lost') return ['Run', 'fell silent']
  if (kind === 'run' && verb === 'resumed') return ['Run', 'was heard again']
  if (kind === 'run' && verb === 'logged') return null
  if (verb === 'purged') return [`${actor} deleted ${NOUNS[kind] ?? kind}`, 'for ever']
  if (kind === 'run' && verb === 'updated') {
    const end = RUN_ENDS[String(detail.status)]
    return end === undefined ? null : ['Run', end]
  }
  if (kind === 'job' && verb === 'created') return [`${actor} submitted job`, '']
  if (kind === 'job')
    return verb === 'started' ? null : ['Job', verb === 'cancelled' || verb === 'lost' ? `was ${verb}` : verb]
  if (kind === 'form') {
    if (verb === 'queued' || verb === 'running') return null
    return [
      'ONNX form of',
      verb === 'ready' ? 'is ready' : `${verb}${typeof detail.reason === 'string' ? `: ${detail.reason}` : ''}`,
    ]
  }
  if (kind === 'alias')
    return [
      `${actor} ${verb === 'deleted' ? 'removed' : 'set'} alias`,
      detail.version === undefined ? '' : `to version ${String(detail.version)}`,
    ]
  if (kind === 'logged_model') return verb === 'created' ? [`${actor} logged model`, ''] : null
  if (kind === 'experiment' && event.subject === '0') return null
  if (kind === 'feedback') return [`${actor} sent feedback for`, '']
  return [`${actor} ${verb} ${NOUNS[kind] ?? kind}`, '']
}
