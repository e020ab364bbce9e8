import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { datasetVersionQuery } from '../../api/data.ts'
import type { DatasetVersion } from '../../api/types.ts'
import { plural } from '../../format.ts'
import { useScope } from '../../frame/project-context.ts'
import { useRemember } from '../../frame/recent.ts'
import { paths, type Scope } from '../../paths.ts'
import { Chip } from '../../ui/Chip.tsx'
import { CopyButton } from '../../ui/CopyButton.tsx'
import { Loaded } from '../../ui/Loading.tsx'
import { Facts, Page, type Tab, Tabs } from '../../ui/Page.tsx'
import { useUrlParam } from '../../ui/url-state.ts'
import { Bytes, Num, Time } from '../../ui/values.tsx'
import { DatasetMenu } from './DatasetMenu.tsx'
import { FilesTab } from './FilesTab.tsx'
import { LineageTab } from './LineageTab.tsx'
import { ProfileTab } from './ProfileTab.tsx'
import { RecipeTab } from './RecipeTab.tsx'
import { TableTab } from './TableTab.tsx'

/** One version of a dataset: look at its rows, its columns, its files, how it was made and what used it. */
export function DatasetVersionPage() {
  const scope = useScope()
  const params = useParams({ strict: false })
  const name = params.dataset ?? ''
  const number = params.version ?? 'latest'
  const version = useQuery(datasetVersionQuery(scope, name, number))
  useRemember(
    paths.datasetVersion(scope, name, number),
    version.data && `${name}@${version.data.version}`,
    'Dataset version',
  )
  const hasTables = version.data?.profile_state !== 'none'
  const [tab] = useUrlParam('tab', hasTables ? 'table' : 'files')
  return (
    <Page
      title={version.data === undefined ? `${name}@${number}` : `${name}@${version.data.version}`}
      status={<CopyButton text={`${name}@${version.data?.version ?? number}`} what="dataset reference" />}
      lead={version.data?.message}
      actions={version.data && <DatasetMenu dataset={name} version={version.data.version} />}
      facts={version.data && <VersionFacts scope={scope} version={version.data} />}
      tabs={version.data && <Tabs current={tab} tabs={tabsOf(scope, version.data, hasTables)} />}
    >
      <Loaded query={version}>{(data) => <Content tab={tab} version={data} />}</Loaded>
    </Page>
  )
}

function tabsOf(scope: Scope, version: DatasetVersion, hasTables: boolean): Tab[] {
  const to = (tab?: string) => paths.datasetVersion(scope, version.dataset, version.version, tab)
  const tables: Tab[] = hasTables
    ? [
        { id: 'table', label: 'Table', to: to() },
        { id: 'profile', label: 'Profile', to: to('profile') },
      ]
    : []
  return [
    ...tables,
    { id: 'files', label: 'Files', to: hasTables ? to('files') : to(), count: version.file_count },
    ...(version.has_recipe ? [{ id: 'recipe', label: 'Recipe', to: to('recipe') }] : []),
    { id: 'lineage', label: 'Lineage', to: to('lineage') },
  ]
}

function Content({ tab, version }: { tab: string; version: DatasetVersion }) {
  if (tab === 'profile') return <ProfileTab version={version} />
  if (tab === 'files') return <FilesTab version={version} />
  if (tab === 'recipe') return <RecipeTab version={version} />
  if (tab === 'lineage') return <LineageTab version={version} />
  return <TableTab version={version} />
}

function VersionFacts({ scope, version }: { scope: Scope; version: DatasetVersion }) {
  const users = version.used_by.runs.length
  return (
    <Facts
      items={[
        ['Rows', version.row_count === null ? null : <Num key="rows" value={version.row_count} />],
        ['Size', <Bytes key="size" value={version.size_bytes} />],
        ['Made', <Time key="made" ms={version.created_at_ms} />],
        ['by', version.created_by],
        [
          'from',
          version.parent && (
            <Chip kind="dataset" to={paths.datasetVersion(scope, version.parent.dataset, version.parent.version)}>
              {version.parent.dataset}@{version.parent.version}
            </Chip>
          ),
        ],
        ['Licence', version.licence],
        ['Used by', users === 0 ? null : plural(users, 'run')],
        [
          'Digest',
          <span key="digest" style={{ display: 'inline-flex', alignItems: 'center' }}>
            <code title={version.digest}>{version.digest.slice(0, 12)}</code>
            <CopyButton text={version.digest} what="digest" size={20} />
          </span>,
        ],
      ]}
    />
  )
}
