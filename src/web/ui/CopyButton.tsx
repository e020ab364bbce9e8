import { ActionIcon, Tooltip } from '@mantine/core'
import { useClipboard } from '@mantine/hooks'
import { IconCheck, IconCopy } from '@tabler/icons-react'

/** Copies a text. `what` names it: "Copy run id". */
export function CopyButton({ text, what, size = 24 }: { text: string; what: string; size?: number }) {
  const clipboard = useClipboard({ timeout: 1500 })
  const words = clipboard.copied ? 'Copied' : `Copy ${what}`
  return (
    <Tooltip label={words}>
      <ActionIcon size={size} aria-label={words} onClick={() => clipboard.copy(text)}>
        {clipboard.copied ? <IconCheck size={14} color="var(--success)" /> : <IconCopy size={14} />}
      </ActionIcon>
    </Tooltip>
  )
}
