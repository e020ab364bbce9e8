import { Button, Modal, Stack, TextInput } from '@mantine/core'
import { type FormEvent, type ReactNode, useState } from 'react'
import { ErrorView } from './ErrorView.tsx'

type Props = {
  opened: boolean
  onClose: () => void
  title: string
  /** What goes, with its size, and what stays. */
  children: ReactNode
  /** The verb on the button: "Delete dataset". */
  verb: string
  /** The name that must be typed; without it one click is enough (for what can be undone). */
  name?: string
  pending: boolean
  error: unknown
  onConfirm: () => void
}

/** Asks before something goes. */
export function ConfirmModal({ opened, onClose, title, children, verb, name, pending, error, onConfirm }: Props) {
  const [typed, setTyped] = useState('')
  const submit = (event: FormEvent) => {
    event.preventDefault()
    onConfirm()
  }
  return (
    <Modal opened={opened} onClose={onClose} title={title}>
      <form onSubmit={submit}>
        <Stack gap="md">
          <div>{children}</div>
          {name !== undefined && (
            <TextInput
              label={`Type ${name} to confirm`}
              value={typed}
              onChange={(event) => setTyped(event.currentTarget.value)}
              data-autofocus
              autoComplete="off"
            />
          )}
          <ErrorView error={error} />
          <div>
            <Button type="submit" variant="danger" loading={pending} disabled={name !== undefined && typed !== name}>
              {verb}
            </Button>
          </div>
        </Stack>
      </form>
    </Modal>
  )
}
