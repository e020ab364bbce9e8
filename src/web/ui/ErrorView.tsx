import { Button } from '@mantine/core'
import { IconAlertCircleFilled } from '@tabler/icons-react'
import { ApiError } from '../api/errors.ts'
import { CopyButton } from './CopyButton.tsx'
import css from './ErrorView.module.css'

/** An error next to its cause: what happened, the field, the request id to quote. `null` shows nothing. */
export function ErrorView({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  if (error === null || error === undefined) return null
  const known = error instanceof ApiError ? error : null
  return (
    <div className={css.error} role="alert">
      <IconAlertCircleFilled size={16} aria-hidden />
      <div className={css.body}>
        <span className={css.message}>{error instanceof Error ? error.message : String(error)}</span>
        {known !== null && (known.requestId !== '' || known.field !== null) && (
          <span className={css.id}>
            {known.field !== null && <span>field {known.field} · </span>}
            {known.requestId !== '' && (
              <>
                request <code>{known.requestId}</code>
                <CopyButton text={known.requestId} what="request id" size={20} />
              </>
            )}
          </span>
        )}
        {onRetry !== undefined && (
          <span>
            <Button size="compact-sm" onClick={onRetry}>
              Try again
            </Button>
          </span>
        )}
      </div>
    </div>
  )
}
