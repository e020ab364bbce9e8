import { Button, Select, TextInput } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { type FormEvent, useMemo, useState } from 'react'
import { queryClient } from '../../api/query.ts'
import { makeToken, type NewToken, revokeToken, type Token, tokensQuery } from '../../api/session.ts'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { ErrorView } from '../../ui/ErrorView.tsx'
import { Loaded } from '../../ui/Loading.tsx'
import { Snippet } from '../../ui/Snippet.tsx'
import { Time } from '../../ui/values.tsx'
import css from './Settings.module.css'

const SCOPES = [
  { value: 'read', label: 'Read' },
  { value: 'write', label: 'Read and write' },
  { value: 'admin', label: 'Everything I may do' },
]
const LIVES = [
  { value: '7', label: '7 days' },
  { value: '90', label: '90 days' },
  { value: '365', label: 'a year' },
  { value: '', label: 'never expires' },
]

const refresh = () => queryClient.invalidateQueries({ queryKey: tokensQuery.queryKey })

function columnsFor(onRevoke: (token: Token) => void): Column<Token>[] {
  return [
    {
      id: 'name',
      header: 'Token',
      width: 220,
      value: (token) => token.name,
      cell: (token) => <strong>{token.name}</strong>,
    },
    { id: 'prefix', header: 'Begins with', width: 130, cell: (token) => <code>{token.prefix}…</code>, phone: true },
    {
      id: 'scope',
      header: 'May',
      width: 150,
      value: (token) => token.scope,
      cell: (token) => SCOPES.find((scope) => scope.value === token.scope)?.label,
      phone: true,
    },
    {
      id: 'created',
      header: 'Made',
      width: 110,
      value: (token) => token.created_at_ms,
      cell: (token) => <Time ms={token.created_at_ms} />,
    },
    {
      id: 'used',
      header: 'Last used',
      width: 110,
      value: (token) => token.last_used_at_ms,
      cell: (token) => <Time ms={token.last_used_at_ms} />,
    },
    {
      id: 'expires',
      header: 'Expires',
      width: 120,
      value: (token) => token.expires_at_ms,
      cell: (token) => (token.expires_at_ms === null ? 'never' : <Time ms={token.expires_at_ms} />),
    },
    {
      id: 'revoke',
      header: '',
      width: 100,
      phone: true,
      cell: (token) => (
        <Button size="compact-sm" variant="subtle" onClick={() => onRevoke(token)}>
          Revoke
        </Button>
      ),
    },
  ]
}

/** The reader's own tokens: what clients send instead of a password. */
export function TokensTab() {
  const tokens = useQuery(tokensQuery)
  const [leaving, setLeaving] = useState<Token | null>(null)
  const revoke = useMutation({
    mutationFn: (id: string) => revokeToken(id),
    onSuccess: async () => {
      await refresh()
      setLeaving(null)
    },
  })
  const columns = useMemo(() => columnsFor(setLeaving), [])
  return (
    <div className={css.narrow} style={{ maxWidth: 1000 }}>
      <NewTokenForm />
      <Loaded query={tokens}>
        {(all) => (
          <DataTable
            label="Tokens"
            columns={columns}
            rows={all}
            rowKey={(token) => token.id}
            defaultSort="-created"
            none="You have no tokens."
          />
        )}
      </Loaded>
      <ConfirmModal
        opened={leaving !== null}
        onClose={() => setLeaving(null)}
        title={`Revoke ${leaving?.name ?? ''}?`}
        verb="Revoke token"
        pending={revoke.isPending}
        error={revoke.error}
        onConfirm={() => leaving !== null && revoke.mutate(leaving.id)}
      >
        Whatever uses it is refused from now on. This cannot be undone.
      </ConfirmModal>
    </div>
  )
}

function NewTokenForm() {
  const [name, setName] = useState('')
  const [scope, setScope] = useState<NonNullable<NewToken['scope']>>('write')
  const [life, setLife] = useState('90')
  const make = useMutation({
    mutationFn: () => makeToken({ name, scope, ...(life === '' ? {} : { expires_in_days: Number(life) }) }),
    onSuccess: () => {
      setName('')
      return refresh()
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    make.mutate()
  }
  return (
    <>
      <form onSubmit={submit} className={css.line}>
        <TextInput
          label="Name"
          placeholder="laptop"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          maxLength={100}
        />
        <Select label="May" data={SCOPES} value={scope} onChange={(value) => setScope(value as typeof scope)} w={180} />
        <Select label="Expires after" data={LIVES} value={life} onChange={(value) => setLife(value ?? '')} w={150} />
        <Button type="submit" variant="filled" disabled={name.trim() === ''} loading={make.isPending}>
          Make token
        </Button>
      </form>
      <ErrorView error={make.error} />
      {make.data !== undefined && <Snippet title="Your new token: it is shown only now" code={make.data.token} />}
    </>
  )
}
