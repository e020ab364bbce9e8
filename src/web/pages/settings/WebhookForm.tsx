import { Button, Checkbox, Modal, PasswordInput, Stack, TextInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { ApiError } from '../../api/errors.ts'
import { key, queryClient } from '../../api/query.ts'
import { changeWebhook, makeWebhook, type Webhook, type WebhookEvent } from '../../api/webhooks.ts'
import { useScope } from '../../frame/project-context.ts'
import { ErrorView } from '../../ui/ErrorView.tsx'
import css from './Settings.module.css'
import { EVENT_GROUPS } from './webhook-events.ts'

type Props = {
  /** Null: a new one is made. */
  webhook: Webhook | null
  opened: boolean
  onClose: () => void
}

/** Makes a webhook, or changes one. */
export function WebhookForm({ webhook, opened, onClose }: Props) {
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      size={620}
      title={webhook === null ? 'Add webhook' : `Edit ${webhook.name}`}
    >
      {opened && <Fields webhook={webhook} onDone={onClose} />}
    </Modal>
  )
}

function Fields({ webhook, onDone }: { webhook: Webhook | null; onDone: () => void }) {
  const scope = useScope()
  const [name, setName] = useState(webhook?.name ?? '')
  const [url, setUrl] = useState(webhook?.url ?? '')
  const [secret, setSecret] = useState('')
  const [events, setEvents] = useState<string[]>(
    webhook?.events ?? ['model_version.created', 'model_version_alias.created'],
  )
  const save = useMutation({
    mutationFn: () => {
      const body = {
        name: name.trim(),
        url: url.trim(),
        events: events as WebhookEvent[],
        ...(secret === '' ? {} : { secret }),
      }
      return webhook === null ? makeWebhook(scope, body) : changeWebhook(scope, webhook.id, body)
    },
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: key(scope, 'webhooks') })
      onDone()
    },
  })
  const field = save.error instanceof ApiError ? save.error.fieldName : null
  const at = (wanted: string) => (field === wanted ? save.error?.message : undefined)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save.mutate()
  }
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        <TextInput
          label="Name"
          placeholder="deploy"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={at('name')}
          maxLength={63}
          data-autofocus
        />
        <TextInput
          label="URL"
          placeholder="https://hooks.example.org/models"
          description="https, at a public address"
          value={url}
          onChange={(event) => setUrl(event.currentTarget.value)}
          error={at('url')}
        />
        <SecretInput isSet={webhook?.signed === true} value={secret} onChange={setSecret} error={at('secret')} />
        <EventChoice value={events} onChange={setEvents} error={at('events')} />
        {!['name', 'url', 'secret', 'events'].includes(field ?? '') && <ErrorView error={save.error} />}
        <div>
          <Button
            type="submit"
            variant="filled"
            disabled={name.trim() === '' || url.trim() === '' || events.length === 0}
            loading={save.isPending}
          >
            {webhook === null ? 'Add webhook' : 'Save'}
          </Button>
        </div>
      </Stack>
    </form>
  )
}

type InputProps<T> = { value: T; onChange: (value: T) => void; error: string | undefined }

function SecretInput({ isSet, value, onChange, error }: InputProps<string> & { isSet: boolean }) {
  return (
    <PasswordInput
      label="Secret"
      description={
        isSet
          ? 'Empty keeps the one it has; it is never shown'
          : 'Signs each delivery, so that the receiver knows it is from here; it is never shown again'
      }
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      error={error}
      autoComplete="new-password"
    />
  )
}

function EventChoice(props: InputProps<string[]>) {
  return (
    <Checkbox.Group label="Tell it of" {...props}>
      <div className={css.choices}>
        {EVENT_GROUPS.map((group) => (
          <fieldset key={group.title}>
            <legend>{group.title}</legend>
            {group.events.map(([event, words]) => (
              <Checkbox key={event} size="xs" value={event} label={words} title={event} />
            ))}
          </fieldset>
        ))}
      </div>
    </Checkbox.Group>
  )
}
