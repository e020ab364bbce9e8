import { Button, Checkbox, PasswordInput, TextInput } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { queryClient } from '../../api/query.ts'
import { addUser, configQuery, type User, usersQuery } from '../../api/session.ts'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { ErrorView } from '../../ui/ErrorView.tsx'
import { Loaded } from '../../ui/Loading.tsx'
import { Time } from '../../ui/values.tsx'
import css from './Settings.module.css'

const COLUMNS: Column<User>[] = [
  { id: 'name', header: 'User', value: (user) => user.name, cell: (user) => <strong>{user.name}</strong> },
  {
    id: 'admin',
    header: 'Administrator',
    phone: true,
    value: (user) => (user.is_admin ? 'yes' : 'no'),
    cell: (user) => (user.is_admin ? 'yes' : 'no'),
  },
  {
    id: 'created',
    header: 'Made',
    phone: true,
    value: (user) => user.created_at_ms,
    cell: (user) => <Time ms={user.created_at_ms} />,
  },
]

/** The accounts of the whole server, for its administrators. */
export function UsersTab() {
  const users = useQuery(usersQuery)
  const config = useQuery(configQuery)
  return (
    <div className={css.narrow}>
      {config.data?.accounts === false && (
        <p className="muted">
          There are no accounts yet. The first administrator is made on the machine itself, with `trainyard users add
          NAME --admin`; from then on everyone signs in.
        </p>
      )}
      {config.data?.accounts === true && <AddUser />}
      <Loaded query={users}>
        {(all) => (
          <DataTable
            label="Users"
            columns={COLUMNS}
            rows={all}
            rowKey={(user) => user.name}
            defaultSort="name"
            none="No accounts."
          />
        )}
      </Loaded>
    </div>
  )
}

function AddUser() {
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [admin, setAdmin] = useState(false)
  const add = useMutation({
    mutationFn: () => addUser({ name, password, is_admin: admin }),
    onSuccess: () => {
      setName('')
      setPassword('')
      setAdmin(false)
      return queryClient.invalidateQueries({ queryKey: usersQuery.queryKey })
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    add.mutate()
  }
  return (
    <>
      <form onSubmit={submit} className={css.line}>
        <TextInput
          label="Name"
          autoComplete="off"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <PasswordInput
          label="First password"
          autoComplete="new-password"
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          w={200}
        />
        <Checkbox
          label="Administrator"
          size="xs"
          mt={32}
          checked={admin}
          onChange={(event) => setAdmin(event.currentTarget.checked)}
        />
        <Button type="submit" variant="filled" disabled={name.trim() === '' || password === ''} loading={add.isPending}>
          Add user
        </Button>
      </form>
      <ErrorView error={add.error} />
    </>
  )
}
