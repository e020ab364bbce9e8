import { Button, Select, TextInput } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { type FormEvent, useMemo, useState } from 'react'
import { type Member, membersQuery, removeMember, setMember } from '../../api/projects.ts'
import { key, queryClient } from '../../api/query.ts'
import { useProject } from '../../frame/project-context.ts'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { ErrorView } from '../../ui/ErrorView.tsx'
import { Loaded } from '../../ui/Loading.tsx'
import css from './Settings.module.css'

const ROLES: { value: Member['role']; label: string }[] = [
  { value: 'viewer', label: 'Viewer: looks' },
  { value: 'editor', label: 'Editor: changes what is inside' },
  { value: 'owner', label: 'Owner: also manages members' },
]

/** Who may do what in the project. */
export function MembersTab({ accounts }: { accounts: boolean }) {
  const { scope, canManage } = useProject()
  const members = useQuery(membersQuery(scope))
  const refresh = () => queryClient.invalidateQueries({ queryKey: key(scope, 'members') })
  const change = useMutation({
    mutationFn: ({ name, role }: Member) => setMember(scope, name, role),
    onSuccess: refresh,
  })
  const remove = useMutation({ mutationFn: (name: string) => removeMember(scope, name), onSuccess: refresh })
  const columns = useMemo<Column<Member>[]>(
    () => [
      { id: 'name', header: 'User', value: (member) => member.name, cell: (member) => <strong>{member.name}</strong> },
      {
        id: 'role',
        header: 'Role',
        width: 280,
        phone: true,
        value: (member) => member.role,
        cell: (member) =>
          canManage ? (
            <Select
              aria-label={`Role of ${member.name}`}
              data={ROLES}
              value={member.role}
              onChange={(role) => role !== null && change.mutate({ name: member.name, role: role as Member['role'] })}
            />
          ) : (
            member.role
          ),
      },
      {
        id: 'remove',
        header: '',
        width: 110,
        phone: true,
        cell: (member) =>
          canManage && (
            <Button size="compact-sm" variant="subtle" onClick={() => remove.mutate(member.name)}>
              Remove
            </Button>
          ),
      },
    ],
    [canManage, change.mutate, remove.mutate],
  )
  return (
    <div className={css.narrow}>
      <p className="muted">
        {accounts
          ? `${scope.owner} owns the project. Members have the role they were given here.`
          : 'This server has no accounts: everyone who can reach it may do everything. An administrator adds accounts with `trainyard users add`.'}
      </p>
      <ErrorView error={change.error ?? remove.error} />
      {canManage && accounts && <AddMember onAdded={refresh} />}
      <Loaded query={members}>
        {(all) => (
          <DataTable
            label="Members"
            columns={columns}
            rows={all}
            rowKey={(member) => member.name}
            defaultSort="name"
            none="No members beside the owner."
          />
        )}
      </Loaded>
    </div>
  )
}

function AddMember({ onAdded }: { onAdded: () => Promise<void> }) {
  const { scope } = useProject()
  const [name, setName] = useState('')
  const [role, setRole] = useState<Member['role']>('editor')
  const add = useMutation({
    mutationFn: () => setMember(scope, name.trim(), role),
    onSuccess: async () => {
      setName('')
      await onAdded()
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    add.mutate()
  }
  return (
    <form onSubmit={submit} className={css.line}>
      <TextInput
        label="User"
        placeholder="Name of an account"
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        error={add.error?.message}
      />
      <Select label="Role" data={ROLES} value={role} onChange={(value) => setRole(value as Member['role'])} w={260} />
      <Button type="submit" variant="filled" disabled={name.trim() === ''} loading={add.isPending}>
        Add member
      </Button>
    </form>
  )
}
