import { Button, PasswordInput, Stack, TextInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useLocation } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { queryClient } from '../../api/query.ts'
import { signIn } from '../../api/session.ts'
import { paths } from '../../paths.ts'
import { useGo } from '../../ui/AppLink.tsx'
import { ErrorView } from '../../ui/ErrorView.tsx'
import { Page } from '../../ui/Page.tsx'

/** Name and password; afterwards back to where one wanted to go. */
export function LoginPage() {
  const go = useGo()
  const next = useLocation({ select: (location) => (location.search as { next?: string }).next })
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const enter = useMutation({
    mutationFn: () => signIn(name, password),
    onSuccess: () => {
      queryClient.clear()
      // Only an address of ours: `//host` would leave the server.
      go(next !== undefined && /^\/(?!\/)/.test(next) ? next : paths.home(), { replace: true })
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    enter.mutate()
  }
  return (
    <Page title="Sign in" lead="This server has accounts. Your administrator makes them; there is no registration.">
      <form onSubmit={submit} style={{ maxWidth: 320 }}>
        <Stack gap="md">
          <TextInput
            label="Name"
            autoComplete="username"
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            autoFocus
          />
          <PasswordInput
            label="Password"
            autoComplete="current-password"
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
          <ErrorView error={enter.error} />
          <div>
            <Button type="submit" variant="filled" loading={enter.isPending} disabled={name === '' || password === ''}>
              Sign in
            </Button>
          </div>
        </Stack>
      </form>
    </Page>
  )
}
