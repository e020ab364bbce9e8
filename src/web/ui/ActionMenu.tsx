import { ActionIcon, Menu } from '@mantine/core'
import { useClipboard } from '@mantine/hooks'
import { IconBrandPython, IconDots, IconTerminal2 } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { configQuery } from '../api/session.ts'
import { absolute } from '../base.ts'
import { type ApiCall, asCurl, asPython } from './api-call.ts'

export type Action = { label: string; icon?: ReactNode; danger?: boolean; onClick: () => void }

type Props = {
  /** What the menu is about: "Endpoint income". */
  label: string
  actions?: Action[]
  /** The call that this page makes or shows; its address is a path below the server's root. */
  call: { name: string } & Omit<ApiCall, 'url'> & { path: string }
}

/** The rarer actions on a thing, and the same as an API call. */
export function ActionMenu({ label, actions = [], call }: Props) {
  const clipboard = useClipboard()
  const config = useQuery(configQuery)
  const token = config.data?.accounts === true
  const request: ApiCall = {
    method: call.method,
    url: absolute(call.path),
    ...(call.body === undefined ? {} : { body: call.body }),
  }
  return (
    <Menu>
      <Menu.Target>
        <ActionIcon size={30} variant="default" aria-label={`${label}: more actions`}>
          <IconDots size={16} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {actions.map((action) => (
          <Menu.Item
            key={action.label}
            leftSection={action.icon}
            onClick={action.onClick}
            {...(action.danger === true ? { style: { color: 'var(--danger)' } } : {})}
          >
            {action.label}
          </Menu.Item>
        ))}
        {actions.length > 0 && <Menu.Divider />}
        <Menu.Label>{call.name}</Menu.Label>
        <Menu.Item leftSection={<IconTerminal2 size={15} />} onClick={() => clipboard.copy(asCurl(request, token))}>
          Copy as curl
        </Menu.Item>
        <Menu.Item leftSection={<IconBrandPython size={15} />} onClick={() => clipboard.copy(asPython(request, token))}>
          Copy as Python
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
