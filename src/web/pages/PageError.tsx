import type { ErrorComponentProps } from '@tanstack/react-router'
import { ErrorView } from '../ui/ErrorView.tsx'
import { Page } from '../ui/Page.tsx'

/** A page that broke: say so in its place; the frame around it still works. */
export function PageError({ error, reset }: ErrorComponentProps) {
  return (
    <Page title="This page broke">
      <ErrorView error={error} onRetry={reset} />
    </Page>
  )
}
