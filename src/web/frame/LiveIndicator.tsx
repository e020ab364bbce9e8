import { Tooltip } from '@mantine/core'
import { IconPlugConnected, IconPlugConnectedX } from '@tabler/icons-react'
import { useLiveEvents } from '../api/live.ts'
import { formatRelative } from '../format.ts'
import type { Scope } from '../paths.ts'
import { useNow } from '../ui/values.tsx'
import css from './Shell.module.css'

/** Says whether what is on the screen follows the server, and holds the one line that makes it so. */
export function LiveIndicator({ scope }: { scope: Scope }) {
  const { connected, sinceMs } = useLiveEvents(scope)
  const now = useNow()
  const since = formatRelative(sinceMs, now)
  return (
    <Tooltip
      label={
        connected
          ? `Changes appear by themselves (connected ${since})`
          : `What you see may be old: the line went down ${since}`
      }
    >
      <span className={css.live} role="status">
        {connected ? (
          <IconPlugConnected size={15} stroke={1.75} data-up aria-hidden />
        ) : (
          <IconPlugConnectedX size={15} stroke={1.75} data-down aria-hidden />
        )}
        <span>{connected ? 'Live' : `Reconnecting since ${since.replace(' ago', '')}`}</span>
      </span>
    </Tooltip>
  )
}
