import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconPlus } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { type Project, projectsQuery } from '../../api/projects.ts'
import { meQuery } from '../../api/session.ts'
import { VisibilityIcon } from '../../frame/ProjectSwitcher.tsx'
import { paths } from '../../paths.ts'
import { AppLink } from '../../ui/AppLink.tsx'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { Loaded } from '../../ui/Loading.tsx'
import { Page } from '../../ui/Page.tsx'
import { SearchBox } from '../../ui/SearchBox.tsx'
import { Snippet } from '../../ui/Snippet.tsx'
import { useUrlParam } from '../../ui/url-state.ts'
import { Time } from '../../ui/values.tsx'
import { NewProjectModal } from './NewProjectModal.tsx'

const to = (project: Project) => paths.project({ owner: project.owner, project: project.name })

const COLUMNS: Column<Project>[] = [
  {
    id: 'name',
    header: 'Project',
    width: 320,
    value: (project) => `${project.owner}/${project.name}`,
    cell: (project) => (
      <AppLink to={to(project)}>
        <span className="muted">{project.owner}/</span>
        {project.name}
      </AppLink>
    ),
  },
  {
    id: 'description',
    header: 'Description',
    width: 420,
    cell: (project) => <span className="muted">{project.description}</span>,
    phone: true,
  },
  {
    id: 'visibility',
    header: 'Visibility',
    width: 130,
    value: (project) => project.visibility,
    phone: true,
    cell: (project) => (
      <span style={{ display: 'inline-flex', gap: 6, alignItems: 'center' }}>
        <VisibilityIcon visibility={project.visibility} size={14} />
        {project.visibility}
      </span>
    ),
  },
  { id: 'role', header: 'Your role', width: 110, value: (project) => project.role, cell: (project) => project.role },
  {
    id: 'created',
    header: 'Made',
    width: 130,
    value: (project) => project.created_at_ms,
    cell: (project) => <Time ms={project.created_at_ms} />,
    phone: true,
  },
]

/** Where one starts: the projects one may see. */
export function ProjectsPage() {
  const projects = useQuery(projectsQuery)
  const me = useQuery(meQuery)
  const [search, setSearch] = useUrlParam('q')
  const [opened, { open, close }] = useDisclosure(false)
  const mayMake = me.data !== undefined && me.data.kind !== 'anonymous'
  const button = mayMake ? (
    <Button variant="filled" leftSection={<IconPlus size={15} />} onClick={open}>
      New project
    </Button>
  ) : undefined
  return (
    <Page title="Projects" actions={button}>
      <Loaded query={projects}>
        {(all) =>
          all.length === 0 ? (
            <EmptyState
              title="No project yet"
              actions={button}
              snippet={
                <Snippet
                  title="Log a first run from Python: it makes the project local/default"
                  code={`import mlflow\n\nmlflow.set_tracking_uri("${window.location.origin}")\nwith mlflow.start_run():\n    mlflow.log_metric("accuracy", 0.87)`}
                />
              }
            >
              A project holds the whole life of its models: data, jobs, runs, models, endpoints and what they predicted.
              It decides who sees them.
            </EmptyState>
          ) : (
            <DataTable
              label="Projects"
              columns={COLUMNS}
              rows={all.filter((project) =>
                `${project.owner}/${project.name} ${project.description}`.toLowerCase().includes(search.toLowerCase()),
              )}
              rowKey={(project) => `${project.owner}/${project.name}`}
              rowTo={to}
              defaultSort="name"
              none="No project matches."
              toolbar={<SearchBox value={search} onChange={setSearch} placeholder="Search projects" />}
            />
          )
        }
      </Loaded>
      {me.data !== undefined && <NewProjectModal opened={opened} onClose={close} owner={me.data.name} />}
    </Page>
  )
}
