import { localStorageColorSchemeManager } from '@mantine/core'

/** Remembers light, dark or the system's choice. */
export const schemeManager = localStorageColorSchemeManager({ key: 'trainyard-color-scheme' })

/** Sets the scheme's attribute before anything is drawn. A module of its own because the pages allow no inline script. */
export function applyScheme(): void {
  const chosen = schemeManager.get('auto')
  const dark = chosen === 'dark' || (chosen === 'auto' && window.matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.setAttribute('data-mantine-color-scheme', dark ? 'dark' : 'light')
}
