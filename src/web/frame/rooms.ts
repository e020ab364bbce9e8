import {
  IconActivity,
  IconBox,
  IconDatabase,
  IconMap2,
  IconPlayerPlay,
  type IconProps,
  IconRocket,
  IconRoute2,
  IconSettings,
  IconTrash,
} from '@tabler/icons-react'
import type { ComponentType } from 'react'
import { paths, type Scope } from '../paths.ts'

export type Room = {
  id: string
  label: string
  letter: string
  icon: ComponentType<IconProps>
  to: (scope: Scope) => string
}

/** The rooms in the order of a model's life. `g` and then the letter goes there. */
export const ROOMS: Room[] = [
  { id: 'data', label: 'Data', letter: 'd', icon: IconDatabase, to: paths.data },
  { id: 'jobs', label: 'Jobs', letter: 'j', icon: IconPlayerPlay, to: paths.jobs },
  { id: 'runs', label: 'Runs', letter: 'r', icon: IconRoute2, to: (scope) => paths.runs(scope) },
  { id: 'models', label: 'Models', letter: 'm', icon: IconBox, to: paths.models },
  { id: 'endpoints', label: 'Endpoints', letter: 'e', icon: IconRocket, to: paths.endpoints },
  { id: 'monitoring', label: 'Monitoring', letter: 'o', icon: IconActivity, to: paths.monitoring },
  { id: 'catalogue', label: 'Catalogue', letter: 'c', icon: IconMap2, to: paths.catalogue },
]

export const RECYCLE_BIN_ROOM: Room = {
  id: 'recycle-bin',
  label: 'Recycle bin',
  letter: 'b',
  icon: IconTrash,
  to: paths.recycleBin,
}

export const SETTINGS_ROOM: Room = {
  id: 'settings',
  label: 'Settings',
  letter: 's',
  icon: IconSettings,
  to: (scope) => paths.settings(scope),
}
