import { shortId } from '../format.ts'
import { RECYCLE_BIN_ROOM, ROOMS, SETTINGS_ROOM } from './rooms.ts'

export type Crumb = { label: string; to: string }

const ROOM_LABELS = new Map([...ROOMS, RECYCLE_BIN_ROOM, SETTINGS_ROOM].map((room) => [room.id, room.label]))
/** Pages below a room that list something. */
const LIST_LABELS: Record<string, string> = { traces: 'Traces' }
const HEX = /^(?:tr-)?[0-9a-f]{32}$/
/** Parts of an address that have no page of their own: they are shown with what follows. */
const JOINED: Record<string, (next: string) => string> = {
  versions: (next) => `version ${next}`,
  decisions: (next) => next,
}

/** An address as breadcrumbs: `/ada/income/data/adult/versions/3` → income, Data, adult, version 3. */
export function crumbsOf(segments: string[]): Crumb[] {
  const crumbs: Crumb[] = []
  const path = (count: number) => `/${segments.slice(0, count).map(encodeURIComponent).join('/')}`
  if (segments.length === 1)
    return [{ label: segments[0] === 'api-reference' ? 'API reference' : 'Sign in', to: path(1) }]
  for (let index = 1; index < segments.length; index++) {
    const part = segments[index]!
    const join = index > 2 ? JOINED[part] : undefined
    const next = segments[index + 1]
    if (join !== undefined && next !== undefined) {
      crumbs.push({ label: join(next), to: path(index + 2) })
      index++
    } else if (index === 1) crumbs.push({ label: `${segments[0]}/${part}`, to: path(2) })
    else
      crumbs.push({
        label:
          index === 2
            ? (ROOM_LABELS.get(part) ?? part)
            : ((index === 3 ? LIST_LABELS[part] : undefined) ?? (HEX.test(part) ? shortId(part) : part)),
        to: path(index + 1),
      })
  }
  return crumbs
}
