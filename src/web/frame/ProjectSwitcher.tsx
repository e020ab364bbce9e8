import { Menu } from '@mantine/core'
import { IconLock, IconSelector, IconUsers, IconWorld } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { projectQuery, projectsQuery } from '../api/projects.ts'
import icon from '../icon.svg'
import { paths, type Scope } from '../paths.ts'
import { useGo } from '../ui/AppLink.tsx'
import css from './Shell.module.css'

const VISIBILITY = { private: IconLock, internal: IconUsers, public: IconWorld }
const WORDS = {
  private: 'Private: only its members see it',
  internal: 'Internal: everyone signed in sees it',
  public: 'Public: everyone sees it',
}

export function VisibilityIcon({ visibility, size = 13 }: { visibility: keyof typeof VISIBILITY; size?: number }) {
  const Icon = VISIBILITY[visibility]
  return <Icon size={size} stroke={1.75} aria-label={WORDS[visibility]} />
}

/** Which project one is in, and the way to another. */
export function ProjectSwitcher({ scope }: { scope: Scope }) {
  const go = useGo()
  const project = useQuery(projectQuery(scope))
  const projects = useQuery(projectsQuery)
  return (
    <Menu position="bottom-start" width={260}>
      <Menu.Target>
        <button type="button" className={css.switcher} aria-label={`Project ${scope.owner}/${scope.project}: switch`}>
          <img src={icon} alt="" className={css.mark} />
          <span className={css.names}>
            <span className={`${css.owner} truncate`}>{scope.owner}</span>
            <span className={css.project}>
              <span className="truncate">{scope.project}</span>
              {project.data !== undefined && <VisibilityIcon visibility={project.data.visibility} />}
            </span>
          </span>
          <IconSelector size={14} aria-hidden />
        </button>
      </Menu.Target>
      <Menu.Dropdown mah={420} style={{ overflow: 'auto' }}>
        <Menu.Label>Projects</Menu.Label>
        {(projects.data ?? []).map((other) => (
          <Menu.Item
            key={`${other.owner}/${other.name}`}
            leftSection={<VisibilityIcon visibility={other.visibility} size={14} />}
            onClick={() => go(paths.project({ owner: other.owner, project: other.name }))}
          >
            <span className="muted">{other.owner}/</span>
            {other.name}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item onClick={() => go(paths.home())}>All projects</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
