import { IconApi, IconHistory, IconHome, type IconProps, IconStack2 } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import type { ComponentType } from 'react'
import { projectsQuery } from '../api/projects.ts'
import { paths } from '../paths.ts'
import { recentPages } from './recent.ts'
import { RECYCLE_BIN_ROOM, ROOMS, SETTINGS_ROOM } from './rooms.ts'
import { useHere } from './use-here.ts'

export type Command = { group: string; label: string; to: string; icon: ComponentType<IconProps>; hint?: string }

/** Everything the palette can go to from here. */
export function useCommands(): Command[] {
  const { scope } = useHere()
  const projects = useQuery(projectsQuery)
  const rooms: Command[] =
    scope === null
      ? []
      : [...ROOMS, RECYCLE_BIN_ROOM, SETTINGS_ROOM].map((room) => ({
          group: 'Pages',
          label: room.label,
          to: room.to(scope),
          icon: room.icon,
          hint: `g ${room.letter}`,
        }))
  return [
    ...recentPages().map((page) => ({
      group: 'Recent',
      label: page.title,
      to: page.to,
      icon: IconHistory,
      hint: page.where,
    })),
    ...rooms,
    { group: 'Pages', label: 'All projects', to: paths.home(), icon: IconHome, hint: 'g h' },
    { group: 'Pages', label: 'API reference', to: paths.apiReference(), icon: IconApi },
    ...(projects.data ?? []).map(({ owner, name }) => ({
      group: 'Projects',
      label: `${owner}/${name}`,
      to: paths.project({ owner, project: name }),
      icon: IconStack2,
    })),
  ]
}
