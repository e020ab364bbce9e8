import { IconAlertTriangle } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { endpointsQuery } from '../../api/endpoints.ts'
import { type ModelVersion, modelVersionQuery, versionFiles, versionPath } from '../../api/models.ts'
import { key } from '../../api/query.ts'
import { useProject } from '../../frame/project-context.ts'
import { useRemember } from '../../frame/recent.ts'
import { paths } from '../../paths.ts'
import { Chip, Chips } from '../../ui/Chip.tsx'
import { CopyButton } from '../../ui/CopyButton.tsx'
import { FileBrowser } from '../../ui/FileBrowser.tsx'
import { Loaded } from '../../ui/Loading.tsx'
import { Facts, Page, Tabs } from '../../ui/Page.tsx'
import { useUrlParam } from '../../ui/url-state.ts'
import { Bytes, Time } from '../../ui/values.tsx'
import css from './Models.module.css'
import { VersionActions } from './VersionActions.tsx'
import { VersionLineage } from './VersionLineage.tsx'
import { VersionOverview } from './VersionOverview.tsx'

/** One version of a model: where it came from, what it takes, how well it does, how it is served. */
export function ModelVersionPage() {
  const { scope } = useProject()
  const { model: name = '', version: number = '' } = useParams({ strict: false })
  const version = useQuery(modelVersionQuery(scope, name, Number(number)))
  useRemember(
    paths.modelVersion(scope, name, number),
    version.data === undefined ? undefined : `${name} v${number}`,
    'Model version',
  )
  if (version.data === undefined) {
    return (
      <Page title={`${name} v${number}`}>
        <Loaded query={version}>{() => null}</Loaded>
      </Page>
    )
  }
  return <VersionView version={version.data} />
}

function VersionView({ version }: { version: ModelVersion }) {
  const { scope } = useProject()
  const { name, version: number } = version
  const endpoints = (useQuery(endpointsQuery(scope)).data ?? []).filter((endpoint) => endpoint.model === name)
  const [tab] = useUrlParam('tab', 'overview')
  const to = (id?: string) => paths.modelVersion(scope, name, number, id)
  return (
    <Page
      title={`${name} v${number}`}
      status={<Status version={version} />}
      lead={version.description}
      actions={<VersionActions version={version} endpoints={endpoints} />}
      facts={<VersionFacts version={version} />}
      tabs={
        <Tabs
          current={tab}
          tabs={[
            { id: 'overview', label: 'Overview', to: to() },
            { id: 'files', label: 'Files', to: to('files') },
          ]}
        />
      }
    >
      {tab === 'files' ? (
        <Files version={version} />
      ) : (
        <>
          <VersionLineage version={version} endpoints={endpoints} />
          <VersionOverview version={version} />
        </>
      )}
    </Page>
  )
}

function Status({ version }: { version: ModelVersion }) {
  return (
    <Chips>
      {version.aliases.map((alias) => (
        <Chip key={alias} kind="tag" tone="accent" title={`models:/${version.name}@${alias}`}>
          {alias}
        </Chip>
      ))}
      {version.stage !== 'None' && <Chip title="MLflow's stage">{version.stage}</Chip>}
    </Chips>
  )
}

function VersionFacts({ version }: { version: ModelVersion }) {
  const uri = `models:/${version.name}/${version.version}`
  const flavors = version.flavors.filter((flavor) => flavor !== 'python_function')
  return (
    <>
      <Facts
        items={[
          ['Made', <Time key="made" ms={version.created_at_ms} />],
          ['By', version.created_by],
          ['Made with', flavors.join(', ') || version.flavors.join(', ')],
          ['Size', version.size_bytes === null ? null : <Bytes key="size" value={version.size_bytes} />],
          [
            'Digest',
            version.content_digest === null ? null : (
              <code key="digest" title={`SHA-256 of its files: ${version.content_digest}`}>
                {version.content_digest.slice(0, 12)}
              </code>
            ),
          ],
          [
            'URI',
            <span key="uri" style={{ display: 'inline-flex', alignItems: 'center', minWidth: 0 }}>
              <code className="truncate">{uri}</code>
              <CopyButton text={uri} what="URI" />
            </span>,
          ],
        ]}
      />
      {version.runs_code && (
        <p className={css.code}>
          <IconAlertTriangle size={16} aria-hidden />
          <span>
            <strong>Runs code.</strong> Loading this version in Python runs code that comes with it: do so only when you
            trust who made it. The server itself never loads it.
          </span>
        </p>
      )}
    </>
  )
}

function Files({ version }: { version: ModelVersion }) {
  const { scope } = useProject()
  const [file, setFile] = useUrlParam('file')
  const { name, version: number } = version
  return (
    <FileBrowser
      source={{
        listKey: (path) => key(scope, 'models', name, number, 'files', path),
        list: (path) => versionFiles(scope, name, number, path),
        contentPath: (path) => `${versionPath(scope, name, number)}/files/content?path=${encodeURIComponent(path)}`,
      }}
      selected={file}
      onSelect={setFile}
      none="The files of this version do not lie with us: its source is another store."
    />
  )
}
