import { ActionIcon, Button, Menu, useMantineColorScheme } from '@mantine/core'
import { IconApi, IconDeviceDesktop, IconKey, IconLogout, IconMoon, IconSun, IconUserCircle } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { queryClient } from '../api/query.ts'
import { configQuery, meQuery, signOut } from '../api/session.ts'
import { paths } from '../paths.ts'
import { useGo } from '../ui/AppLink.tsx'
import { useHere } from './use-here.ts'

const SCHEMES = [
  { value: 'light', label: 'Light', icon: IconSun },
  { value: 'dark', label: 'Dark', icon: IconMoon },
  { value: 'auto', label: 'As the system', icon: IconDeviceDesktop },
] as const

/** Who is reading, the look, tokens, the API, and the way out. */
export function UserMenu() {
  const go = useGo()
  const me = useQuery(meQuery)
  const config = useQuery(configQuery)
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  const { scope, segments } = useHere()
  if (me.data?.kind === 'anonymous' && config.data?.accounts === true) {
    if (segments[0] === 'login') return null
    return <Button onClick={() => go(paths.login())}>Sign in</Button>
  }
  const leave = async () => {
    await signOut()
    queryClient.clear()
    go(paths.login())
  }
  return (
    <Menu width={220}>
      <Menu.Target>
        <ActionIcon aria-label="You and your settings">
          <IconUserCircle size={18} stroke={1.5} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {me.data?.kind === 'local'
            ? 'No accounts: everyone here is local'
            : `${me.data?.name ?? ''}${me.data?.is_admin === true ? ' · administrator' : ''}`}
        </Menu.Label>
        {scope !== null && (
          <Menu.Item
            leftSection={<IconKey size={15} stroke={1.75} />}
            onClick={() => go(paths.settings(scope, 'tokens'))}
          >
            Tokens
          </Menu.Item>
        )}
        <Menu.Item leftSection={<IconApi size={15} stroke={1.75} />} onClick={() => go(paths.apiReference())}>
          API reference
        </Menu.Item>
        <Menu.Divider />
        <Menu.Label>Appearance</Menu.Label>
        {SCHEMES.map(({ value, label, icon: Icon }) => (
          <Menu.Item
            key={value}
            leftSection={<Icon size={15} stroke={1.75} />}
            onClick={() => setColorScheme(value)}
            aria-current={colorScheme === value || undefined}
            closeMenuOnClick={false}
          >
            {label}
            {colorScheme === value ? ' ✓' : ''}
          </Menu.Item>
        ))}
        {me.data?.kind === 'user' && (
          <>
            <Menu.Divider />
            <Menu.Item leftSection={<IconLogout size={15} stroke={1.75} />} onClick={() => void leave()}>
              Sign out
            </Menu.Item>
          </>
        )}
      </Menu.Dropdown>
    </Menu>
  )
}
