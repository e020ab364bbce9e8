import type { ProjectEvent } from '../../api/projects.ts'
import type { Scope } from '../../paths.ts'
import { AppLink } from '../../ui/AppLink.tsx'
import { Time } from '../../ui/values.tsx'
import { happenings } from './describe-event.ts'
import css from './EventList.module.css'
import { eventTarget } from './event-links.ts'

/** What happened, newest first. */
export function EventList({ scope, events }: { scope: Scope; events: ProjectEvent[] }) {
  return (
    <ol className={css.list} aria-label="Activity">
      {happenings(events).map(({ id, atMs, before, name, after, event }) => {
        const to = eventTarget(scope, event)
        return (
          <li key={id} className={css.event}>
            <span className={css.when}>
              <Time ms={atMs} />
            </span>
            <span className={css.what}>
              {before} {to === null ? <strong>{name}</strong> : <AppLink to={to}>{name}</AppLink>} {after}
            </span>
          </li>
        )
      })}
    </ol>
  )
}
