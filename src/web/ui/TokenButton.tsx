import { Button, Modal, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconKey } from '@tabler/icons-react'
import { useMutation, useQuery } from '@tanstack/react-query'
import { queryClient } from '../api/query.ts'
import { configQuery, makeToken, tokensQuery } from '../api/session.ts'
import { ErrorView } from './ErrorView.tsx'
import { Snippet } from './Snippet.tsx'

/** For a snippet's head: makes a token to go with it and shows it this once. Absent where no accounts exist: no token is needed there. */
export function TokenButton() {
  const config = useQuery(configQuery)
  const [opened, { open, close }] = useDisclosure(false)
  const make = useMutation({
    mutationFn: () =>
      makeToken({ name: `snippet ${new Date().toISOString().slice(0, 10)}`, scope: 'write', expires_in_days: 90 }),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: tokensQuery.queryKey }),
  })
  if (config.data?.accounts !== true) return null
  return (
    <>
      <Button
        size="compact-xs"
        variant="subtle"
        leftSection={<IconKey size={13} />}
        onClick={() => {
          make.mutate()
          open()
        }}
      >
        Make token
      </Button>
      <Modal opened={opened} onClose={close} title="Your token">
        <Stack gap="md">
          <ErrorView error={make.error} />
          {make.data !== undefined && (
            <Snippet title="Shell" code={`export MLFLOW_TRACKING_TOKEN=${make.data.token}`} />
          )}
          <Text size="sm" c="dimmed">
            It may read and write in your projects for 90 days, and is shown only now. Settings → Tokens revokes it.
          </Text>
        </Stack>
      </Modal>
    </>
  )
}
