import { Button, Modal, Stack, Textarea } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { ErrorView } from './ErrorView.tsx'

type Props = { title: string; description: string; onSave: (description: string) => Promise<void>; onClose: () => void }

/** Changes what a thing says about itself. Mount it anew for each use. */
export function DescriptionModal({ title, description, onSave, onClose }: Props) {
  const [text, setText] = useState(description)
  const save = useMutation({ mutationFn: () => onSave(text), onSuccess: onClose })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save.mutate()
  }
  return (
    <Modal opened onClose={onClose} title={title}>
      <form onSubmit={submit}>
        <Stack gap="md">
          <Textarea
            label="Description"
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            maxLength={10_000}
            minRows={3}
            autosize
            data-autofocus
          />
          <ErrorView error={save.error} />
          <div>
            <Button type="submit" variant="filled" loading={save.isPending} disabled={text === description}>
              Save description
            </Button>
          </div>
        </Stack>
      </form>
    </Modal>
  )
}
