import { Button } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { type Webhook, webhooksQuery } from '../../api/webhooks.ts'
import { useScope } from '../../frame/project-context.ts'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { Loaded } from '../../ui/Loading.tsx'
import { useUrlParam } from '../../ui/url-state.ts'
import { Time } from '../../ui/values.tsx'
import css from './Settings.module.css'
import { WebhookForm } from './WebhookForm.tsx'
import { WebhookPanel, WebhookStatus } from './WebhookPanel.tsx'
import { eventWords } from './webhook-events.ts'

function columnsFor(onOpen: (id: string) => void): Column<Webhook>[] {
  return [
    {
      id: 'name',
      header: 'Webhook',
      width: 180,
      value: (webhook) => webhook.name,
      cell: (webhook) => (
        <button type="button" className={css.open} onClick={() => onOpen(webhook.id)}>
          {webhook.name}
        </button>
      ),
    },
    {
      id: 'status',
      header: 'Status',
      width: 110,
      phone: true,
      value: (webhook) => webhook.status,
      cell: (webhook) => <WebhookStatus webhook={webhook} />,
    },
    {
      id: 'url',
      header: 'URL',
      width: 320,
      phone: true,
      value: (webhook) => webhook.url,
      cell: (webhook) => <code className={css.url}>{webhook.url}</code>,
    },
    {
      id: 'events',
      header: 'Told of',
      width: 220,
      cell: (webhook) => (
        <span title={webhook.events.map(eventWords).join(', ')}>
          {webhook.events.length === 1
            ? eventWords(webhook.events[0] ?? '')
            : `${webhook.events.length} kinds of events`}
        </span>
      ),
    },
    {
      id: 'created',
      header: 'Made',
      width: 110,
      phone: true,
      value: (webhook) => webhook.created_at_ms,
      cell: (webhook) => <Time ms={webhook.created_at_ms} />,
    },
  ]
}

/** Addresses that are told of changes in the project's registry. */
export function WebhooksTab() {
  const scope = useScope()
  const webhooks = useQuery(webhooksQuery(scope))
  const [opened, setOpened] = useUrlParam('webhook')
  const [form, setForm] = useState<{ webhook: Webhook | null } | null>(null)
  const columns = useMemo(() => columnsFor(setOpened), [setOpened])
  const add = (
    <Button variant="filled" onClick={() => setForm({ webhook: null })}>
      Add webhook
    </Button>
  )
  return (
    <div className={css.narrow} style={{ maxWidth: 1000 }}>
      <Loaded query={webhooks}>
        {(all) => {
          const shown = all.find((webhook) => webhook.id === opened)
          return (
            <>
              {all.length === 0 ? (
                <EmptyState title="No webhooks yet" actions={add}>
                  A webhook calls an address of yours when something happens in the registry: a version is made, an
                  alias moves. MLflow’s clients make and read the same ones.
                </EmptyState>
              ) : (
                <>
                  <p className="muted">
                    Called when something happens in the registry, signed as MLflow does, and tried again for hours when
                    the receiver does not answer.
                  </p>
                  <div>{add}</div>
                  <DataTable
                    label="Webhooks"
                    columns={columns}
                    rows={all}
                    rowKey={(webhook) => webhook.id}
                    defaultSort="name"
                  />
                </>
              )}
              <WebhookPanel
                webhook={shown}
                opened={opened !== ''}
                onClose={() => setOpened(null)}
                onEdit={() => shown !== undefined && setForm({ webhook: shown })}
              />
            </>
          )
        }}
      </Loaded>
      <WebhookForm webhook={form?.webhook ?? null} opened={form !== null} onClose={() => setForm(null)} />
    </div>
  )
}
