import { Drawer } from '@mantine/core'
import type { ReactNode } from 'react'
import css from './SidePanel.module.css'

type Props = { opened: boolean; onClose: () => void; title: string; children: ReactNode }

/** A thing looked at beside the page it was found on. Escape closes it; on a phone it takes the whole screen. */
export function SidePanel({ opened, onClose, title, children }: Props) {
  return (
    <Drawer
      opened={opened}
      onClose={onClose}
      title={title}
      position="right"
      size={560}
      transitionProps={{ duration: 0 }}
      overlayProps={{ backgroundOpacity: 0.18 }}
      classNames={{ content: css.panel!, header: css.head!, title: css.title!, body: css.body! }}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {opened && children}
    </Drawer>
  )
}
