import { Kbd } from '@mantine/core'
import { IconSearch } from '@tabler/icons-react'
import { Fragment } from 'react'
import icon from '../icon.svg'
import { AppLink } from '../ui/AppLink.tsx'
import { crumbsOf } from './crumbs.ts'
import { LiveIndicator } from './LiveIndicator.tsx'
import css from './Shell.module.css'
import { UserMenu } from './UserMenu.tsx'
import { useHere } from './use-here.ts'

/** The address as a breadcrumb, the palette, whether the page is live, and who is reading. */
export function TopBar({ onPalette }: { onPalette: () => void }) {
  const here = useHere()
  const crumbs = crumbsOf(here.segments)
  return (
    <header className={css.bar}>
      {here.scope !== null && (
        <AppLink to="/" className={css.home} aria-label="All projects">
          <img src={icon} alt="" className={css.mark} />
        </AppLink>
      )}
      <nav aria-label="Breadcrumb" style={{ flex: 1, minWidth: 0 }}>
        <ol className={css.crumbs}>
          {here.scope === null && (
            <li>
              <AppLink
                to="/"
                aria-label="Trainyard, all projects"
                style={{ display: 'flex', gap: 8, alignItems: 'center' }}
              >
                <img src={icon} alt="" className={css.mark} />
                <strong style={{ color: 'var(--text)' }}>Trainyard</strong>
              </AppLink>
            </li>
          )}
          {crumbs.map((crumb, index) => (
            <Fragment key={crumb.to}>
              <li>
                {(index > 0 || here.scope === null) && (
                  <span className={css.slash} aria-hidden>
                    /
                  </span>
                )}
                {index === crumbs.length - 1 ? (
                  <span aria-current="page" className="truncate">
                    {crumb.label}
                  </span>
                ) : (
                  <AppLink to={crumb.to} className="truncate">
                    {crumb.label}
                  </AppLink>
                )}
              </li>
            </Fragment>
          ))}
        </ol>
      </nav>
      {here.scope !== null && <LiveIndicator scope={here.scope} />}
      <button type="button" className={css.palette} onClick={onPalette} aria-label="Search and commands">
        <IconSearch size={14} aria-hidden />
        <span>Search</span>
        <Kbd size="xs">Ctrl K</Kbd>
      </button>
      <UserMenu />
    </header>
  )
}
