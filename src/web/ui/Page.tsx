import { type ReactNode, useEffect } from 'react'
import { AppLink } from './AppLink.tsx'
import css from './Page.module.css'

type PageProps = {
  title: string
  /** Beside the title: a StatusBadge, a copy button. */
  status?: ReactNode
  /** One to three, the most important last. */
  actions?: ReactNode
  lead?: ReactNode
  /** A <Facts> strip. */
  facts?: ReactNode
  /** A <Tabs>. */
  tabs?: ReactNode
  children: ReactNode
}

/** What every page is: title line with status and actions, facts, tabs, content. Sets the document's title too. */
export function Page({ title, status, actions, lead, facts, tabs, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · Trainyard`
  }, [title])
  return (
    <div className={css.page}>
      <header className={css.top}>
        <div className={css.head}>
          <div className={css.title}>
            <h1>{title}</h1>
            {status}
          </div>
          {actions !== undefined && <div className={css.actions}>{actions}</div>}
        </div>
        {lead !== undefined && lead !== '' && <p className={css.lead}>{lead}</p>}
        {facts}
      </header>
      {tabs}
      {children}
    </div>
  )
}

/** Name–value pairs in one line; a pair whose value is null is left out. */
export function Facts({ items }: { items: [name: string, value: ReactNode][] }) {
  return (
    <dl className={css.facts}>
      {items
        .filter(([, value]) => value !== null && value !== undefined && value !== '')
        .map(([name, value]) => (
          <div key={name} className={css.fact}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  )
}

export type Tab = { id: string; label: string; to: string; count?: number | null }

/** Tabs that are addresses. */
export function Tabs({ tabs, current }: { tabs: Tab[]; current: string }) {
  return (
    <nav className={css.tabs} aria-label="Sections of this page">
      {tabs.map((tab) => (
        <AppLink key={tab.id} to={tab.to} className={css.tab} aria-current={tab.id === current ? 'page' : undefined}>
          {tab.label}
          {tab.count !== undefined && tab.count !== null && <span className={css.count}>{tab.count}</span>}
        </AppLink>
      ))}
    </nav>
  )
}

/** A part of a page with its own heading. */
export function Section({ title, actions, children }: { title: string; actions?: ReactNode; children: ReactNode }) {
  return (
    <section className={css.section} aria-label={title}>
      <div className={css.sectionHead}>
        <h2>{title}</h2>
        {actions}
      </div>
      {children}
    </section>
  )
}
