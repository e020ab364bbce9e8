import {
  IconBox,
  IconDatabase,
  IconPlayerPlay,
  type IconProps,
  IconRocket,
  IconRoute2,
  IconTag,
} from '@tabler/icons-react'
import type { ComponentType, ReactNode } from 'react'
import { AppLink } from './AppLink.tsx'
import css from './Chip.module.css'

const ICONS: Record<string, ComponentType<IconProps>> = {
  dataset: IconDatabase,
  run: IconRoute2,
  job: IconPlayerPlay,
  model: IconBox,
  endpoint: IconRocket,
  tag: IconTag,
}
export type ChipKind = 'dataset' | 'run' | 'job' | 'model' | 'endpoint' | 'tag' | 'plain'

type Props = { kind?: ChipKind; to?: string | null; tone?: 'accent'; title?: string; children: ReactNode }

/** A thing of the chain (data, job, run, model, endpoint) or a tag; with `to` it leads there. */
export function Chip({ kind = 'plain', to, tone, title, children }: Props) {
  const Icon = ICONS[kind]
  const inside = (
    <>
      {Icon !== undefined && <Icon size={13} stroke={1.75} aria-hidden />}
      <span className={css.label}>{children}</span>
    </>
  )
  if (to === undefined || to === null) {
    return (
      <span className={css.chip} data-tone={tone} title={title}>
        {inside}
      </span>
    )
  }
  return (
    <AppLink className={css.chip} data-tone={tone} to={to} title={title}>
      {inside}
    </AppLink>
  )
}

export function Chips({ children }: { children: ReactNode }) {
  return (
    <span className={css.row} data-chips>
      {children}
    </span>
  )
}
