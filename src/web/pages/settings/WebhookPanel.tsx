import { Button } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { key, queryClient } from '../../api/query.ts'
import {
  changeWebhook,
  type Delivery,
  deleteWebhook,
  deliveriesQuery,
  redeliver,
  type TestResult,
  testWebhook,
  type Webhook,
} from '../../api/webhooks.ts'
import { useScope } from '../../frame/project-context.ts'
import { Chip, Chips } from '../../ui/Chip.tsx'
import { ConfirmModal } from '../../ui/ConfirmModal.tsx'
import { ErrorView } from '../../ui/ErrorView.tsx'
import { Loaded } from '../../ui/Loading.tsx'
import { Facts, Section } from '../../ui/Page.tsx'
import { SidePanel } from '../../ui/SidePanel.tsx'
import { Snippet } from '../../ui/Snippet.tsx'
import { StatusBadge } from '../../ui/StatusBadge.tsx'
import { Duration, Time } from '../../ui/values.tsx'
import css from './Settings.module.css'
import { eventWords } from './webhook-events.ts'

/** Active, disabled, or active and failing. */
export function WebhookStatus({ webhook }: { webhook: Webhook }) {
  return (
    <StatusBadge status={webhook.status === 'ACTIVE' && webhook.failed_in_a_row > 0 ? 'failing' : webhook.status} />
  )
}

type Props = { webhook: Webhook | undefined; opened: boolean; onClose: () => void; onEdit: () => void }

/** One webhook: what it is told, whether it answers, and its last deliveries. */
export function WebhookPanel({ webhook, opened, onClose, onEdit }: Props) {
  return (
    <SidePanel opened={opened} onClose={onClose} title={webhook?.name ?? 'Webhook'}>
      {webhook === undefined ? (
        <p className="muted">This webhook is not there any more.</p>
      ) : (
        <Shown webhook={webhook} onClose={onClose} onEdit={onEdit} />
      )}
    </SidePanel>
  )
}

function Shown({ webhook, onClose, onEdit }: { webhook: Webhook; onClose: () => void; onEdit: () => void }) {
  const scope = useScope()
  const [leaving, setLeaving] = useState(false)
  const refresh = () => queryClient.invalidateQueries({ queryKey: key(scope, 'webhooks') })
  const test = useMutation({ mutationFn: () => testWebhook(scope, webhook.id) })
  const active = webhook.status === 'ACTIVE'
  const toggle = useMutation({
    mutationFn: () => changeWebhook(scope, webhook.id, { status: active ? 'DISABLED' : 'ACTIVE' }),
    onSuccess: refresh,
  })
  const remove = useMutation({
    mutationFn: () => deleteWebhook(scope, webhook.id),
    onSuccess: async () => {
      await refresh()
      onClose()
    },
  })
  return (
    <>
      <Facts
        items={[
          ['Status', <WebhookStatus key="status" webhook={webhook} />],
          ['Why', webhook.status_reason],
          ['URL', <code key="url">{webhook.url}</code>],
          ['Deliveries', webhook.signed ? 'signed' : 'not signed'],
          ['Made', <Time key="made" ms={webhook.created_at_ms} />],
          ['By', webhook.created_by],
        ]}
      />
      <Chips>
        {webhook.events.map((event) => (
          <Chip key={event} title={event}>
            {eventWords(event)}
          </Chip>
        ))}
      </Chips>
      <div className={css.buttons}>
        <Button onClick={() => test.mutate()} loading={test.isPending}>
          Send a test
        </Button>
        <Button onClick={onEdit}>Edit</Button>
        <Button onClick={() => toggle.mutate()} loading={toggle.isPending}>
          {active ? 'Disable' : 'Make active'}
        </Button>
        <Button variant="danger" onClick={() => setLeaving(true)}>
          Delete
        </Button>
      </div>
      <ErrorView error={test.error ?? toggle.error} />
      {test.data !== undefined && <TestAnswer result={test.data} />}
      <Deliveries webhook={webhook} />
      <ConfirmModal
        opened={leaving}
        onClose={() => setLeaving(false)}
        title={`Delete ${webhook.name}?`}
        verb="Delete webhook"
        pending={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate()}
      >
        It is told of nothing any more, its deliveries are forgotten, and those that wait are not sent.
      </ConfirmModal>
    </>
  )
}

function TestAnswer({ result }: { result: TestResult }) {
  const said = result.response_status === null ? 'no answer' : `answered ${result.response_status}`
  return (
    <div role="status" className={css.answer}>
      <StatusBadge status={result.success ? 'delivered' : 'failed'} />
      <span>{result.success ? `The test was delivered: the receiver ${said}.` : (result.error ?? said)}</span>
      {result.response_body !== null && result.response_body !== '' && (
        <Snippet title="What it answered" code={result.response_body.slice(0, 2_000)} />
      )}
    </div>
  )
}

function Deliveries({ webhook }: { webhook: Webhook }) {
  const scope = useScope()
  const deliveries = useQuery(deliveriesQuery(scope, webhook.id))
  const [shown, setShown] = useState<string | null>(null)
  return (
    <Section title="Last deliveries">
      <Loaded query={deliveries}>
        {(all) =>
          all.length === 0 ? (
            <p className="muted">Nothing that it wants to know of has happened yet.</p>
          ) : (
            <ul className={css.deliveries}>
              {all.map((delivery) => (
                <li key={delivery.id}>
                  <button
                    type="button"
                    aria-expanded={shown === delivery.id}
                    onClick={() => setShown(shown === delivery.id ? null : delivery.id)}
                  >
                    <strong>{eventWords(delivery.event)}</strong>
                    <StatusBadge status={stateOf(delivery)} />
                    <Time ms={delivery.created_at_ms} />
                  </button>
                  {shown === delivery.id && <Details webhook={webhook} delivery={delivery} />}
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
    </Section>
  )
}

function stateOf(delivery: Delivery): string {
  if (delivery.state !== 'waiting') return delivery.state
  return delivery.attempts === 0 ? 'queued' : 'retrying'
}

function Details({ webhook, delivery }: { webhook: Webhook; delivery: Delivery }) {
  const scope = useScope()
  const again = useMutation({
    mutationFn: () => redeliver(scope, webhook.id, delivery.id),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: key(scope, 'webhooks', webhook.id) }),
  })
  return (
    <div className={css.details}>
      <Facts
        items={[
          ['Attempts', delivery.attempts],
          ['Answer', delivery.response_status],
          ['Took', delivery.duration_ms === null ? null : <Duration key="took" ms={delivery.duration_ms} />],
          ['Last tried', delivery.attempted_at_ms === null ? null : <Time key="at" ms={delivery.attempted_at_ms} />],
          ['Next', delivery.next_attempt_at_ms === null ? null : <Time key="next" ms={delivery.next_attempt_at_ms} />],
          ['Error', delivery.error],
          ['Id', <code key="id">{delivery.id}</code>],
        ]}
      />
      <Snippet
        title="What is sent"
        code={JSON.stringify(JSON.parse(delivery.payload), null, 2)}
        action={
          delivery.state !== 'waiting' && (
            <Button size="compact-sm" onClick={() => again.mutate()} loading={again.isPending}>
              Send again
            </Button>
          )
        }
      />
      <ErrorView error={again.error} />
    </div>
  )
}
