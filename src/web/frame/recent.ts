import { useEffect } from 'react'

export type RecentPage = { to: string; title: string; where: string }

const KEY = 'trainyard-recent'
const KEPT = 8

/** The things this browser looked at last, newest first. */
export function recentPages(): RecentPage[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]')
    return Array.isArray(kept) ? kept.filter(isPage).slice(0, KEPT) : []
  } catch {
    return []
  }
}

function isPage(value: unknown): value is RecentPage {
  const page = value as Partial<RecentPage> | null
  return typeof page?.to === 'string' && typeof page.title === 'string' && typeof page.where === 'string'
}

/** Remembers that a thing was looked at: pages of one run, model, dataset … call it with its name. */
export function useRemember(to: string, title: string | undefined, where: string): void {
  useEffect(() => {
    if (title === undefined) return
    const others = recentPages().filter((page) => page.to !== to)
    try {
      localStorage.setItem(KEY, JSON.stringify([{ to, title, where }, ...others].slice(0, KEPT)))
    } catch {
      // Private windows may refuse storage: then nothing is remembered.
    }
  }, [to, title, where])
}
