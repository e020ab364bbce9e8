import { Button } from '@mantine/core'
import { IconRocket, IconTrash } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { type Endpoint, endpointsQuery } from '../../api/endpoints.ts'
import { type ModelDetail, modelQuery, type VersionSummary } from '../../api/models.ts'
import { useProject } from '../../frame/project-context.ts'
import { useRemember } from '../../frame/recent.ts'
import { paths, type Scope } from '../../paths.ts'
import { ActionMenu } from '../../ui/ActionMenu.tsx'
import { AppLink } from '../../ui/AppLink.tsx'
import { Chip, Chips } from '../../ui/Chip.tsx'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { Loaded } from '../../ui/Loading.tsx'
import { Facts, Page } from '../../ui/Page.tsx'
import { StatusBadge } from '../../ui/StatusBadge.tsx'
import { Time } from '../../ui/values.tsx'
import { Aliases } from './Aliases.tsx'
import { DeleteModal } from './DeleteModal.tsx'
import { DeployModal } from './DeployModal.tsx'
import { ModelHistory } from './ModelHistory.tsx'
import { MoveAliasModal } from './MoveAliasModal.tsx'
import { metricColumns } from './metric-columns.tsx'

type Row = VersionSummary & { scope: Scope; model: string }

const IDENTITY: Column<Row> = {
  id: 'version',
  header: 'Version',
  width: 80,
  value: (row) => row.version,
  cell: (row) => <AppLink to={paths.modelVersion(row.scope, row.model, row.version)}>v{row.version}</AppLink>,
}
const BEFORE: Column<Row>[] = [
  {
    id: 'aliases',
    header: 'Aliases',
    width: 150,
    phone: true,
    cell: (row) =>
      row.aliases.length > 0 && (
        <Chips>
          {row.aliases.map((alias) => (
            <Chip key={alias} kind="tag" tone="accent">
              {alias}
            </Chip>
          ))}
        </Chips>
      ),
  },
]
const AFTER: Column<Row>[] = [
  {
    id: 'onnx',
    header: 'ONNX form',
    width: 110,
    phone: true,
    value: (row) => row.onnx_state,
    cell: (row) =>
      row.onnx_state === null ? <span className="muted">none</span> : <StatusBadge status={row.onnx_state} />,
  },
  {
    id: 'run',
    header: 'Run',
    width: 110,
    cell: (row) =>
      row.run_id === null ? (
        <span className="muted">none</span>
      ) : (
        <Chip kind="run" to={paths.run(row.scope, row.run_id)}>
          {row.run_id.slice(0, 8)}
        </Chip>
      ),
  },
  {
    id: 'flavors',
    header: 'Made with',
    width: 110,
    cell: (row) => row.flavors.filter((flavor) => flavor !== 'python_function').join(', ') || 'python_function',
  },
  { id: 'stage', header: 'Stage', width: 100, hidden: true, value: (row) => row.stage, cell: (row) => row.stage },
  { id: 'by', header: 'By', width: 100, value: (row) => row.created_by, cell: (row) => row.created_by },
  {
    id: 'created',
    header: 'Made',
    width: 110,
    value: (row) => row.created_at_ms,
    cell: (row) => <Time ms={row.created_at_ms} />,
  },
]

/** One registered model: its aliases and its versions. */
export function ModelPage() {
  const { scope } = useProject()
  const { model: name = '' } = useParams({ strict: false })
  const model = useQuery(modelQuery(scope, name))
  useRemember(paths.model(scope, name), model.data?.name, 'Model')
  if (model.data === undefined) {
    return (
      <Page title={name}>
        <Loaded query={model}>{() => null}</Loaded>
      </Page>
    )
  }
  return <ModelView model={model.data} />
}

function ModelView({ model }: { model: ModelDetail }) {
  const { scope } = useProject()
  const endpoints = (useQuery(endpointsQuery(scope)).data ?? []).filter((endpoint) => endpoint.model === model.name)
  const [moving, setMoving] = useState<{ alias: string | null } | null>(null)
  const columns = useMemo(
    () => [IDENTITY, ...BEFORE, ...metricColumns<Row>(model.versions as Row[]), ...AFTER],
    [model.versions],
  )
  return (
    <Page
      title={model.name}
      lead={model.description}
      actions={<ModelActions model={model} endpoints={endpoints} />}
      facts={<ModelFacts model={model} endpoints={endpoints} />}
    >
      <Aliases model={model} endpoints={endpoints} onMove={(alias) => setMoving({ alias })} />
      <section aria-label="Versions">
        <DataTable
          label="Versions"
          columns={columns}
          rows={model.versions.map((version) => ({ ...version, scope, model: model.name }))}
          rowKey={(row) => String(row.version)}
          rowTo={(row) => paths.modelVersion(scope, model.name, row.version)}
          defaultSort="-version"
          none="No version is registered yet."
          toolbar={<h2>Versions</h2>}
          chooser
        />
      </section>
      <ModelHistory model={model.name} />
      {moving !== null && (
        <MoveAliasModal
          model={model}
          endpoints={endpoints}
          alias={moving.alias}
          version={null}
          onClose={() => setMoving(null)}
        />
      )}
    </Page>
  )
}

/** What one may do with the model as a whole. */
function ModelActions({ model, endpoints }: { model: ModelDetail; endpoints: Endpoint[] }) {
  const { scope, canWrite } = useProject()
  const [open, setOpen] = useState<'deploy' | 'delete' | null>(null)
  const close = () => setOpen(null)
  const remove = { label: 'Delete…', icon: <IconTrash size={15} />, danger: true, onClick: () => setOpen('delete') }
  return (
    <>
      <ActionMenu
        label={`Model ${model.name}`}
        actions={canWrite ? [remove] : []}
        call={{
          name: 'Read this model',
          method: 'GET',
          path: `/api/v1/projects/${scope.owner}/${scope.project}/models/${encodeURIComponent(model.name)}`,
        }}
      />
      {canWrite && model.versions.length > 0 && (
        <Button variant="filled" leftSection={<IconRocket size={15} />} onClick={() => setOpen('deploy')}>
          Deploy
        </Button>
      )}
      {open === 'delete' && (
        <DeleteModal
          model={model.name}
          version={null}
          aliases={model.aliases.map(({ alias }) => alias)}
          endpoints={endpoints}
          onClose={close}
        />
      )}
      {open === 'deploy' && (
        <DeployModal model={model.name} aliases={model.aliases} versions={model.versions} onClose={close} />
      )}
    </>
  )
}

function ModelFacts({ model, endpoints }: { model: ModelDetail; endpoints: Endpoint[] }) {
  const { scope } = useProject()
  const served = endpoints.map((endpoint) => (
    <Chip key={endpoint.name} kind="endpoint" to={paths.endpoint(scope, endpoint.name)}>
      {endpoint.name}
    </Chip>
  ))
  return (
    <Facts
      items={[
        ['Versions', model.version_count],
        ['Served by', served.length === 0 ? null : <Chips key="served">{served}</Chips>],
        ['Made', <Time key="made" ms={model.created_at_ms} />],
        ['Changed', <Time key="changed" ms={model.updated_at_ms} />],
      ]}
    />
  )
}
