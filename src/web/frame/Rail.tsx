import { ActionIcon, Tooltip } from '@mantine/core'
import { IconLayoutSidebarLeftCollapse, IconLayoutSidebarLeftExpand } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { decisionsQuery } from '../api/monitoring.ts'
import { plural } from '../format.ts'
import type { Scope } from '../paths.ts'
import { AppLink } from '../ui/AppLink.tsx'
import { ProjectSwitcher } from './ProjectSwitcher.tsx'
import { RECYCLE_BIN_ROOM, ROOMS, type Room, SETTINGS_ROOM } from './rooms.ts'
import css from './Shell.module.css'
import { useHere } from './use-here.ts'

type Props = { scope: Scope; narrow: boolean; onNarrow: (narrow: boolean) => void }

/** The left rail: which project, and its rooms in the order of a model's life. */
export function Rail({ scope, narrow, onNarrow }: Props) {
  const words = narrow ? 'Show names' : 'Collapse'
  const nav = useRef<HTMLElement>(null)
  const { room } = useHere()
  // On a phone the rooms are a bar that is wider than the screen: show where one is.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the room is what the effect follows
  useEffect(() => {
    nav.current?.querySelector('[aria-current="page"]')?.scrollIntoView({ block: 'nearest', inline: 'center' })
  }, [room])
  return (
    <nav ref={nav} className={css.rail} aria-label="Rooms">
      <ProjectSwitcher scope={scope} />
      <div className={css.rooms}>
        {ROOMS.map((room) => (
          <RoomLink key={room.id} room={room} scope={scope} narrow={narrow} />
        ))}
        <RoomLink room={RECYCLE_BIN_ROOM} scope={scope} narrow={narrow} />
        <RoomLink room={SETTINGS_ROOM} scope={scope} narrow={narrow} />
      </div>
      <div className={css.foot}>
        <Tooltip label={words} position="right">
          <ActionIcon aria-label={words} onClick={() => onNarrow(!narrow)}>
            {narrow ? (
              <IconLayoutSidebarLeftExpand size={16} stroke={1.75} />
            ) : (
              <IconLayoutSidebarLeftCollapse size={16} stroke={1.75} />
            )}
          </ActionIcon>
        </Tooltip>
      </div>
    </nav>
  )
}

function RoomLink({ room, scope, narrow }: { room: Room; scope: Scope; narrow: boolean }) {
  const here = useHere()
  const Icon = room.icon
  return (
    <Tooltip label={narrow ? room.label : `g ${room.letter}`} position="right" openDelay={narrow ? 0 : 900}>
      <AppLink
        className={css.room}
        to={room.to(scope)}
        aria-current={here.room === room.id ? 'page' : undefined}
        aria-label={room.label}
      >
        <Icon size={16} stroke={1.75} aria-hidden />
        <span className={css.label}>{room.label}</span>
        {room.id === 'monitoring' && <Attention scope={scope} />}
      </AppLink>
    </Tooltip>
  )
}

/** Decisions that wait for a person: the only number in the rail, because it asks for something. */
function Attention({ scope }: { scope: Scope }) {
  const { data } = useQuery(decisionsQuery(scope))
  const waiting = data?.filter((decision) => decision.state === 'waiting').length ?? 0
  if (waiting === 0) return null
  return (
    <span className={css.attention} title={`${plural(waiting, 'decision')} waiting for approval`}>
      {waiting}
    </span>
  )
}
