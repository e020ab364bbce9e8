import { useRouter } from '@tanstack/react-router'
import type { AnchorHTMLAttributes, MouseEvent } from 'react'
import { href } from '../base.ts'

type Props = Omit<AnchorHTMLAttributes<HTMLAnchorElement>, 'href'> & { to: string }

/** A link to a page of ours, by its path from paths.ts. A real anchor: it opens in a new tab, can be copied, has a context menu. */
export function AppLink({ to, onClick, ...rest }: Props) {
  const router = useRouter()
  const click = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event)
    if (
      event.defaultPrevented ||
      event.button !== 0 ||
      event.metaKey ||
      event.ctrlKey ||
      event.shiftKey ||
      event.altKey
    )
      return
    event.preventDefault()
    router.history.push(href(to))
  }
  return <a {...rest} href={href(to)} onClick={click} />
}

/** Goes to a page of ours from code. */
export function useGo(): (to: string, options?: { replace?: boolean }) => void {
  const router = useRouter()
  return (to, options) => (options?.replace === true ? router.history.replace(href(to)) : router.history.push(href(to)))
}
