import { useQuery } from '@tanstack/react-query'
import { configQuery, meQuery } from '../../api/session.ts'
import { useProject } from '../../frame/project-context.ts'
import { paths } from '../../paths.ts'
import { Page, type Tab, Tabs } from '../../ui/Page.tsx'
import { useUrlParam } from '../../ui/url-state.ts'
import { AuditTab } from './AuditTab.tsx'
import { ConnectTab } from './ConnectTab.tsx'
import { MembersTab } from './MembersTab.tsx'
import { ProjectTab } from './ProjectTab.tsx'
import { TokensTab } from './TokensTab.tsx'
import { UsersTab } from './UsersTab.tsx'
import { WebhooksTab } from './WebhooksTab.tsx'

/** A project's settings, and the reader's own tokens. */
export function SettingsPage() {
  const { scope, canManage } = useProject()
  const [tab] = useUrlParam('tab', 'project')
  const me = useQuery(meQuery)
  const config = useQuery(configQuery)
  const tabs: Tab[] = [
    { id: 'project', label: 'Project', to: paths.settings(scope) },
    { id: 'connect', label: 'Connect', to: paths.settings(scope, 'connect') },
    { id: 'members', label: 'Members', to: paths.settings(scope, 'members') },
    ...(canManage ? [{ id: 'webhooks', label: 'Webhooks', to: paths.settings(scope, 'webhooks') }] : []),
    ...(canManage ? [{ id: 'audit', label: 'Audit log', to: paths.settings(scope, 'audit') }] : []),
    { id: 'tokens', label: 'My tokens', to: paths.settings(scope, 'tokens') },
    ...(me.data?.is_admin === true
      ? [{ id: 'users', label: 'Users of this server', to: paths.settings(scope, 'users') }]
      : []),
  ]
  return (
    <Page title="Settings" tabs={<Tabs tabs={tabs} current={tab} />}>
      {tab === 'project' && <ProjectTab />}
      {tab === 'connect' && <ConnectTab />}
      {tab === 'members' && <MembersTab accounts={config.data?.accounts === true} />}
      {tab === 'webhooks' && canManage && <WebhooksTab />}
      {tab === 'audit' && canManage && <AuditTab />}
      {tab === 'tokens' && <TokensTab />}
      {tab === 'users' && me.data?.is_admin === true && <UsersTab />}
    </Page>
  )
}
