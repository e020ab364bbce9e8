import type { ReactNode } from 'react'
import css from './EmptyState.module.css'

type Props = {
  /** "No runs yet" */
  title: string
  /** What belongs here, in one or two sentences. */
  children: ReactNode
  /** The snippet that makes the first one. */
  snippet?: ReactNode
  actions?: ReactNode
  /** "Waiting for the first run": shown when the page turns into the real one without a reload. */
  waitingFor?: string
}

/** A page without content teaches what belongs on it. */
export function EmptyState({ title, children, snippet, actions, waitingFor }: Props) {
  return (
    <section className={css.empty} aria-label={title}>
      <h2 className={css.title}>{title}</h2>
      <div className={css.text}>{children}</div>
      {snippet}
      {actions !== undefined && <div className={css.actions}>{actions}</div>}
      {waitingFor !== undefined && (
        <p className={css.waiting} role="status">
          <span className={css.pulse} aria-hidden />
          {waitingFor}…
        </p>
      )}
    </section>
  )
}
