import { IconArrowNarrowRight } from '@tabler/icons-react'
import { Fragment, type ReactNode } from 'react'
import css from './Lineage.module.css'

export type Stage = { title: string; items: ReactNode[]; none?: string }

/** The chain from left to right: what a thing was made from, itself, and what was made from it. Items are Chips. */
export function Lineage({ stages }: { stages: Stage[] }) {
  return (
    <div className={css.line}>
      {stages.map((stage, index) => (
        <Fragment key={stage.title}>
          {index > 0 && (
            <span className={css.arrow} aria-hidden>
              <IconArrowNarrowRight size={20} stroke={1.5} />
            </span>
          )}
          <section className={css.stage} aria-label={stage.title}>
            <h3>{stage.title}</h3>
            <div className={css.items}>
              {stage.items.length === 0 ? <span className="muted small">{stage.none ?? 'None yet'}</span> : stage.items}
            </div>
          </section>
        </Fragment>
      ))}
    </div>
  )
}
