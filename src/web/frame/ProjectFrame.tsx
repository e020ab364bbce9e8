import { useQuery } from '@tanstack/react-query'
import { Outlet, useParams } from '@tanstack/react-router'
import { useMemo } from 'react'
import { isNotFound } from '../api/errors.ts'
import { projectQuery } from '../api/projects.ts'
import { meQuery } from '../api/session.ts'
import { NotFound } from '../pages/NotFound.tsx'
import { ErrorView } from '../ui/ErrorView.tsx'
import { Page } from '../ui/Page.tsx'
import { ProjectContext, type ProjectContextValue } from './project-context.ts'

/** Finds the project of the address once for all of its pages. */
export function ProjectFrame() {
  const params = useParams({ strict: false })
  const owner = params.owner ?? ''
  const name = params.project ?? ''
  const scope = useMemo(() => ({ owner, project: name }), [owner, name])
  const project = useQuery(projectQuery(scope))
  const me = useQuery(meQuery)
  const value = useMemo<ProjectContextValue | null>(() => {
    if (project.data === undefined) return null
    const { role } = project.data
    const signedIn = me.data?.kind !== 'anonymous'
    return {
      scope,
      project: project.data,
      canWrite: signedIn && role !== 'viewer',
      canManage: signedIn && role === 'owner',
    }
  }, [project.data, me.data, scope])
  if (value !== null) {
    return (
      <ProjectContext value={value}>
        <Outlet />
      </ProjectContext>
    )
  }
  if (isNotFound(project.error)) return <NotFound />
  if (project.error !== null) {
    return (
      <Page title={`${owner}/${name}`}>
        <ErrorView error={project.error} onRetry={() => void project.refetch()} />
      </Page>
    )
  }
  return null
}
