import { Checkbox } from '@mantine/core'
import type { Run } from '../../api/types.ts'
import { Stroke } from '../../charts/LineChart.tsx'
import { distinctStyles } from '../../charts/palette.ts'
import { paths, type Scope } from '../../paths.ts'
import { AppLink } from '../../ui/AppLink.tsx'
import { Chip, Chips } from '../../ui/Chip.tsx'
import type { Column } from '../../ui/DataTable.tsx'
import { StatusBadge } from '../../ui/StatusBadge.tsx'
import { Elapsed, Num, Time } from '../../ui/values.tsx'
import css from './Runs.module.css'
import { runState } from './run-state.ts'

export type Selection = { ids: ReadonlySet<string>; toggle: (id: string, range: boolean) => void }

/** Parameters shown before the reader chooses; the others wait in the column chooser. */
const PARAMS_SHOWN = 6
const METRICS_SHOWN = 10
/** Where MLflow repeats a run's name. */
const NAME_TAG = 'mlflow.runName'

/** Names that runs which are not loaded have, or that the reader chose before. */
export type ColumnNames = Record<'metrics' | 'params' | 'tags', readonly string[]>

/**
 * Columns for these runs: what every run has, then every metric and parameter that one of them logged. Tags and what only
 * other runs logged wait in the column chooser.
 */
export function runColumns(scope: Scope, runs: Run[], names: ColumnNames, selection: Selection): Column<Run>[] {
  const some = (pick: (run: Run) => unknown[]) => runs.some((run) => pick(run).length > 0)
  return [
    identity(scope, selection),
    ...general(),
    ...metricColumns(runs, names.metrics),
    ...(some((run) => run.models.flatMap((model) => model.registered)) ? [modelColumn(scope)] : []),
    ...(some((run) => run.datasets) ? [dataColumn(scope)] : []),
    ...paramColumns(runs, names.params),
    ...rare(scope, new Set(runs.map((run) => run.experiment_id)).size < 2),
    ...tagColumns(runs, names.tags),
  ]
}

function identity(scope: Scope, selection: Selection): Column<Run> {
  const styles = distinctStyles([...selection.ids])
  return {
    id: 'attributes.run_name',
    header: 'Run',
    width: 280,
    value: (run) => run.name,
    cell: (run) => (
      <span className={css.identity}>
        <Checkbox
          size="xs"
          checked={selection.ids.has(run.id)}
          aria-label={`Select ${run.name}`}
          onClick={(event) => selection.toggle(run.id, event.shiftKey)}
          onChange={() => {}}
        />
        {selection.ids.has(run.id) && <Stroke index={styles.get(run.id) ?? 0} />}
        <AppLink to={paths.run(scope, run.id)}>{run.name}</AppLink>
        {run.parent_id !== null && <span className="muted small">child</span>}
      </span>
    ),
  }
}

function general(): Column<Run>[] {
  return [
    {
      id: 'attributes.status',
      header: 'Status',
      width: 120,
      phone: true,
      value: runState,
      cell: (run) => <StatusBadge status={runState(run)} />,
    },
    {
      id: 'attributes.start_time',
      header: 'Started',
      width: 120,
      phone: true,
      value: (run) => run.started_at_ms,
      cell: (run) => <Time ms={run.started_at_ms} />,
    },
    {
      id: 'took',
      header: 'Took',
      width: 100,
      align: 'right',
      cell: (run) => <Elapsed fromMs={run.started_at_ms} toMs={run.ended_at_ms ?? run.lost_since_ms} />,
    },
  ]
}

function dataColumn(scope: Scope): Column<Run> {
  return {
    id: 'data',
    header: 'Data',
    width: 210,
    cell: (run) => {
      const inputs = linkedFirst(run.datasets)
      return (
        <Chips>
          {inputs.slice(0, 1).map((input) => (
            <Chip
              key={input.name + input.digest}
              kind="dataset"
              to={
                input.dataset === null || input.version === null
                  ? null
                  : paths.datasetVersion(scope, input.dataset, input.version)
              }
            >
              {input.dataset === null ? input.name : `${input.dataset}@${input.version}`}
            </Chip>
          ))}
          {inputs.length > 1 && <span className="muted small">+{inputs.length - 1}</span>}
        </Chips>
      )
    },
  }
}

/** Versions of ours before what a library logged about the same rows. */
function linkedFirst(datasets: Run['datasets']): Run['datasets'] {
  return [...datasets].sort((a, b) => Number(a.dataset === null) - Number(b.dataset === null))
}

function modelColumn(scope: Scope): Column<Run> {
  return {
    id: 'models',
    header: 'Model',
    width: 150,
    cell: (run) => (
      <Chips>
        {run.models
          .flatMap((model) => model.registered)
          .slice(0, 1)
          .map((version) => (
            <Chip
              key={version.name + version.version}
              kind="model"
              to={paths.modelVersion(scope, version.name, version.version)}
            >
              {version.name} v{version.version}
            </Chip>
          ))}
      </Chips>
    ),
  }
}

/** What one seldom asks for stands last; the experiment only when there are several. */
function rare(scope: Scope, oneExperiment: boolean): Column<Run>[] {
  return [
    { id: 'experiment', header: 'Experiment', width: 150, hidden: oneExperiment, cell: (run) => run.experiment_name },
    { id: 'attributes.user_id', header: 'User', width: 110, cell: (run) => run.user_name, hidden: true },
    {
      id: 'job',
      header: 'Job',
      width: 100,
      hidden: true,
      cell: (run) =>
        run.job_id === null ? (
          <span className="muted">–</span>
        ) : (
          <Chip kind="job" to={paths.job(scope, run.job_id)}>
            job
          </Chip>
        ),
    },
    { id: 'attributes.run_id', header: 'Run id', width: 290, hidden: true, cell: (run) => <code>{run.id}</code> },
  ]
}

function metricColumns(runs: Run[], more: readonly string[]): Column<Run>[] {
  const { all, loaded } = keysOf(runs, (run) => run.metrics, more)
  const quiet = all.filter((name) => name.startsWith('system/'))
  const ordered = [...all.filter((name) => !name.startsWith('system/')), ...quiet]
  return ordered.map((name, index) => ({
    id: `metrics.${name}`,
    header: name,
    group: 'Metrics',
    align: 'right',
    width: Math.max(110, Math.min(220, name.length * 7.5 + 40)),
    hidden: index >= METRICS_SHOWN || name.startsWith('system/') || !loaded.has(name),
    phone: index === 0 && loaded.has(name),
    value: (run) => run.metrics[name] ?? null,
    cell: (run) =>
      name in run.metrics ? <Num value={run.metrics[name] ?? Number.NaN} /> : <span className="muted">–</span>,
  }))
}

function paramColumns(runs: Run[], more: readonly string[]): Column<Run>[] {
  const { all, loaded } = keysOf(runs, (run) => run.params, more)
  return all.map((name, index) => ({
    id: `params.${name}`,
    header: name,
    group: 'Parameters',
    width: widthOf(name),
    hidden: index >= PARAMS_SHOWN || !loaded.has(name),
    value: (run) => run.params[name] ?? null,
    cell: (run) => <Text value={run.params[name]} />,
  }))
}

function tagColumns(runs: Run[], more: readonly string[]): Column<Run>[] {
  const { all } = keysOf(runs, (run) => run.tags, more)
  const own = all.filter((name) => !name.startsWith('mlflow.'))
  const clients = all.filter((name) => name.startsWith('mlflow.') && name !== NAME_TAG)
  return [...own, ...clients].map((name) => ({
    id: `tags.${name}`,
    header: name,
    group: 'Tags',
    width: widthOf(name),
    hidden: true,
    value: (run) => run.tags[name] ?? null,
    cell: (run) => <Text value={run.tags[name]} />,
  }))
}

const widthOf = (name: string) => Math.max(110, Math.min(200, name.length * 7.5 + 40))

function Text({ value }: { value: string | undefined }) {
  return value === undefined ? <span className="muted">–</span> : <span title={value}>{value}</span>
}

/** Names in the order of how many of the runs have them, then by name; behind them those that none of the runs has. */
function keysOf(runs: Run[], pick: (run: Run) => Record<string, unknown>, more: readonly string[]) {
  const counts = new Map<string, number>()
  for (const run of runs) for (const name of Object.keys(pick(run))) counts.set(name, (counts.get(name) ?? 0) + 1)
  const loaded = [...counts].sort(([a, many], [b, others]) => others - many || a.localeCompare(b)).map(([name]) => name)
  return { all: [...loaded, ...more.filter((name) => !counts.has(name))], loaded: counts }
}
