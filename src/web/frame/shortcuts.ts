import { useEffect } from 'react'
import { paths, type Scope } from '../paths.ts'
import { useGo } from '../ui/AppLink.tsx'
import { RECYCLE_BIN_ROOM, ROOMS, SETTINGS_ROOM } from './rooms.ts'

/** How long after `g` the second key is waited for. */
const CHORD_MS = 1_200

/** `Ctrl K` opens the palette, `/` goes to the page's search, `g` and a letter to a room, `g h` to all projects. */
export function useShortcuts(scope: Scope | null, openPalette: () => void): void {
  const go = useGo()
  useEffect(() => {
    let chordUntil = 0
    const press = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault()
        openPalette()
        return
      }
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
      if (event.key === '/') {
        const search = document.querySelector<HTMLInputElement>('[data-page-search]')
        if (search === null) return
        event.preventDefault()
        search.focus()
        search.select()
      } else if (event.key === 'g') {
        chordUntil = Date.now() + CHORD_MS
      } else if (Date.now() < chordUntil) {
        chordUntil = 0
        const room = [...ROOMS, RECYCLE_BIN_ROOM, SETTINGS_ROOM].find((candidate) => candidate.letter === event.key)
        if (event.key === 'h') go(paths.home())
        else if (room !== undefined && scope !== null) go(room.to(scope))
      }
    }
    window.addEventListener('keydown', press)
    return () => window.removeEventListener('keydown', press)
  })
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
}
