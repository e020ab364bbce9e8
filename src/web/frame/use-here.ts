import { useLocation } from '@tanstack/react-router'
import { useMemo } from 'react'
import type { Scope } from '../paths.ts'

/** First segments of an address that are pages of the whole server, not owners. */
const GLOBAL = new Set(['login', 'api-reference'])

export type Here = { scope: Scope | null; room: string | null; segments: string[] }

/** Where the reader is, read from the address: project, room and the rest. */
export function useHere(): Here {
  const pathname = useLocation({ select: (location) => location.pathname })
  return useMemo(() => {
    const segments = pathname
      .split('/')
      .filter((part) => part !== '')
      .map(decode)
    const [owner, project] = segments
    const scope = owner !== undefined && project !== undefined && !GLOBAL.has(owner) ? { owner, project } : null
    return { scope, room: scope === null ? null : (segments[2] ?? null), segments }
  }, [pathname])
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
