import { paths } from '../paths.ts'
import { AppLink } from '../ui/AppLink.tsx'
import { EmptyState } from '../ui/EmptyState.tsx'
import { Page } from '../ui/Page.tsx'

export function NotFound() {
  return (
    <Page title="Not found">
      <EmptyState title="There is no page at this address" actions={<AppLink to={paths.home()}>All projects</AppLink>}>
        The address may be mistyped, or what it named was deleted, or you may not see it.
      </EmptyState>
    </Page>
  )
}
