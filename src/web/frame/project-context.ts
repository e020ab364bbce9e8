import { createContext, useContext } from 'react'
import type { Project } from '../api/projects.ts'
import type { Scope } from '../paths.ts'

export type ProjectContextValue = { scope: Scope; project: Project; canWrite: boolean; canManage: boolean }

export const ProjectContext = createContext<ProjectContextValue | null>(null)

/** The project of the address, with what the reader may do in it. Only inside a project's pages. */
export function useProject(): ProjectContextValue {
  const value = useContext(ProjectContext)
  if (value === null) throw new Error('useProject outside a project page')
  return value
}

export function useScope(): Scope {
  return useProject().scope
}
