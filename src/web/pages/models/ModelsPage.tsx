import { useQuery } from '@tanstack/react-query'
import { type Model, modelsQuery } from '../../api/models.ts'
import { configQuery } from '../../api/session.ts'
import { absolute } from '../../base.ts'
import { useScope } from '../../frame/project-context.ts'
import { paths, type Scope } from '../../paths.ts'
import { AppLink } from '../../ui/AppLink.tsx'
import { Chip, Chips } from '../../ui/Chip.tsx'
import { type Column, DataTable } from '../../ui/DataTable.tsx'
import { EmptyState } from '../../ui/EmptyState.tsx'
import { Loaded } from '../../ui/Loading.tsx'
import { Page } from '../../ui/Page.tsx'
import { SearchBox } from '../../ui/SearchBox.tsx'
import { Snippet } from '../../ui/Snippet.tsx'
import { TokenButton } from '../../ui/TokenButton.tsx'
import { useUrlParam } from '../../ui/url-state.ts'
import { Num, Time } from '../../ui/values.tsx'

type Row = Model & { scope: Scope }

const COLUMNS: Column<Row>[] = [
  {
    id: 'name',
    header: 'Model',
    width: 260,
    value: (model) => model.name,
    cell: (model) => <AppLink to={paths.model(model.scope, model.name)}>{model.name}</AppLink>,
  },
  {
    id: 'aliases',
    header: 'Aliases',
    width: 280,
    phone: true,
    cell: (model) =>
      model.aliases.length === 0 ? (
        <span className="muted">none</span>
      ) : (
        <Chips>
          {model.aliases.map(({ alias, version }) => (
            <Chip
              key={alias}
              kind="tag"
              tone="accent"
              to={paths.modelVersion(model.scope, model.name, version)}
              title={`models:/${model.name}@${alias} is version ${version}`}
            >
              {alias} → v{version}
            </Chip>
          ))}
        </Chips>
      ),
  },
  {
    id: 'latest',
    header: 'Latest',
    width: 90,
    value: (model) => model.latest_version,
    cell: (model) =>
      model.latest_version === null ? (
        <span className="muted">–</span>
      ) : (
        <AppLink to={paths.modelVersion(model.scope, model.name, model.latest_version)}>
          v{model.latest_version}
        </AppLink>
      ),
  },
  {
    id: 'versions',
    header: 'Versions',
    width: 90,
    align: 'right',
    value: (model) => model.version_count,
    cell: (model) => <Num value={model.version_count} />,
  },
  {
    id: 'description',
    header: 'Description',
    width: 360,
    cell: (model) => <span className="muted">{model.description}</span>,
  },
  {
    id: 'updated',
    header: 'Changed',
    width: 120,
    phone: true,
    value: (model) => model.updated_at_ms,
    cell: (model) => <Time ms={model.updated_at_ms} />,
  },
]

/** The registered models of a project. */
export function ModelsPage() {
  const scope = useScope()
  const models = useQuery(modelsQuery(scope))
  const [search, setSearch] = useUrlParam('q')
  return (
    <Page title="Models">
      <Loaded query={models}>
        {(all) =>
          all.length === 0 ? (
            <NoModels scope={scope} />
          ) : (
            <DataTable
              label="Models"
              columns={COLUMNS}
              rows={all
                .filter((model) => model.name.toLowerCase().includes(search.toLowerCase()))
                .map((model) => ({ ...model, scope }))}
              rowKey={(model) => model.name}
              rowTo={(model) => paths.model(scope, model.name)}
              defaultSort="-updated"
              none="No model is called that."
              toolbar={<SearchBox value={search} onChange={setSearch} placeholder="Search models" />}
            />
          )
        }
      </Loaded>
    </Page>
  )
}

function NoModels({ scope }: { scope: Scope }) {
  const config = useQuery(configQuery)
  const uri = absolute(`/mlflow/${scope.owner}/${scope.project}/tracking/`)
  const token = config.data?.accounts === true ? 'export MLFLOW_TRACKING_TOKEN=…   # in the shell\n\n' : ''
  return (
    <EmptyState
      title="No models yet"
      waitingFor="Waiting for the first model"
      snippet={
        <Snippet
          title="Register the model that a run logged"
          action={<TokenButton />}
          code={`${token}import mlflow\n\nmlflow.set_tracking_uri("${uri}")\nmlflow.register_model("runs:/<run id>/model", "my-model")`}
        />
      }
    >
      A registered model is a name with numbered versions. Each version remembers the run, the data and the code it came
      from; an alias such as <code>champion</code> says which one is meant.
    </EmptyState>
  )
}
