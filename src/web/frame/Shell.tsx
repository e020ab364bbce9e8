import { useDisclosure, useLocalStorage } from '@mantine/hooks'
import { Outlet } from '@tanstack/react-router'
import { Palette } from './Palette.tsx'
import { Rail } from './Rail.tsx'
import css from './Shell.module.css'
import { useShortcuts } from './shortcuts.ts'
import { TopBar } from './TopBar.tsx'
import { UploadTray } from './UploadTray.tsx'
import { useHere } from './use-here.ts'

/** The frame around every page: rail, top bar, content, palette, keys. */
export function Shell() {
  const { scope } = useHere()
  const [narrow, setNarrow] = useLocalStorage({
    key: 'trainyard-rail-narrow',
    defaultValue: false,
    getInitialValueInEffect: false,
  })
  const [palette, { open, close }] = useDisclosure(false)
  useShortcuts(scope, open)
  return (
    <div
      className={css.shell}
      data-narrow={(scope !== null && narrow) || undefined}
      data-bare={scope === null || undefined}
    >
      <button type="button" className={css.skip} onClick={() => document.getElementById('content')?.focus()}>
        Skip to content
      </button>
      {scope !== null && <Rail scope={scope} narrow={narrow} onNarrow={setNarrow} />}
      <TopBar onPalette={open} />
      <main id="content" className={css.content} tabIndex={-1}>
        <Outlet />
      </main>
      <UploadTray />
      <Palette opened={palette} onClose={close} />
    </div>
  )
}
