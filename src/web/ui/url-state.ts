import { useLocation, useRouter } from '@tanstack/react-router'
import { useCallback } from 'react'

type Search = Record<string, string | undefined>

/** One text of the address (`?sort=-name`), so that a table or tab keeps its state over reload, back and a shared link. */
export function useUrlParam(name: string, fallback = ''): [string, (value: string | null) => void] {
  const [search, change] = useUrlParams()
  const set = useCallback(
    (value: string | null) => change({ [name]: value === fallback ? null : value }),
    [change, name, fallback],
  )
  return [search[name] ?? fallback, set]
}

/** All of them. Changing replaces the history entry: "back" leaves the page instead of undoing each keystroke. */
export function useUrlParams(): [Search, (changes: Record<string, string | null>) => void] {
  const router = useRouter()
  const search = useLocation({ select: (location) => location.search }) as Search
  const change = useCallback(
    (changes: Record<string, string | null>) => {
      const url = new URL(window.location.href)
      for (const [name, value] of Object.entries(changes)) {
        if (value === null || value === '') url.searchParams.delete(name)
        else url.searchParams.set(name, value)
      }
      router.history.replace(url.pathname + url.search + url.hash)
    },
    [router],
  )
  return [search, change]
}
