import type { Endpoint } from '../../api/endpoints.ts'
import type { ModelVersion } from '../../api/models.ts'
import { useScope } from '../../frame/project-context.ts'
import { paths } from '../../paths.ts'
import { Chip } from '../../ui/Chip.tsx'
import { Lineage } from '../../ui/Lineage.tsx'

/** Data → job → run → this version → endpoints. */
export function VersionLineage({ version, endpoints }: { version: ModelVersion; endpoints: Endpoint[] }) {
  const scope = useScope()
  const serving = endpoints.filter((endpoint) => endpoint.serving.version === version.version)
  const data = distinctInputs(version.datasets).map((dataset) => (
    <Chip
      key={`${dataset.name} ${dataset.digest} ${dataset.context}`}
      kind="dataset"
      to={
        dataset.dataset === null || dataset.version === null
          ? null
          : paths.datasetVersion(scope, dataset.dataset, dataset.version)
      }
      title={`digest ${dataset.digest}${dataset.context === null ? '' : `, used for ${dataset.context}`}`}
    >
      {dataset.dataset === null ? dataset.name : `${dataset.dataset}@${dataset.version}`}
      {dataset.context === null ? '' : ` · ${dataset.context}`}
    </Chip>
  ))
  const none = version.copied_from === null ? 'not recorded' : 'stayed with the original'
  const { job_id: job, run_id: run } = version
  return (
    <Lineage
      stages={[
        ...originOf(version),
        { title: 'Data', items: data, none },
        ...(job === null
          ? []
          : [
              {
                title: 'Job',
                items: [
                  <Chip key={job} kind="job" to={paths.job(scope, job)}>
                    {job.slice(-8)}
                  </Chip>,
                ],
              },
            ]),
        {
          title: 'Run',
          none,
          items:
            run === null
              ? []
              : [
                  <Chip key={run} kind="run" to={paths.run(scope, run)}>
                    {version.run_name ?? run.slice(0, 8)}
                  </Chip>,
                ],
        },
        {
          title: 'Model',
          items: [
            <Chip key="model" kind="model" tone="accent" to={paths.model(scope, version.name)}>
              {version.name} v{version.version}
            </Chip>,
          ],
        },
        {
          title: 'Endpoint',
          none: 'serves nowhere',
          items: serving.map((endpoint) => (
            <Chip key={endpoint.name} kind="endpoint" to={paths.endpoint(scope, endpoint.name)}>
              {endpoint.name}
            </Chip>
          )),
        },
      ]}
    />
  )
}

/** Of a copy: the version that it was made of. */
function originOf({ copied_from: origin }: ModelVersion) {
  return origin === null ? [] : [{ title: 'Copied from', items: [originChip(origin)] }]
}

/** Unnamed when its project is none that the reader may see. */
function originChip({ project, model, version }: NonNullable<ModelVersion['copied_from']>) {
  if (project === null || model === null || version === null)
    return (
      <Chip key="origin" kind="model" title="It is none that you may see.">
        another project
      </Chip>
    )
  const [owner = '', name = ''] = project.split('/')
  return (
    <Chip key="origin" kind="model" to={paths.modelVersion({ owner, project: name }, model, version)}>
      {project}: {model} v{version}
    </Chip>
  )
}

/** One version used for one purpose is one chip: the platform and the code may both have recorded it. */
function distinctInputs(inputs: ModelVersion['datasets']): ModelVersion['datasets'] {
  const label = (input: ModelVersion['datasets'][number]) =>
    input.dataset === null
      ? `${input.name} ${input.digest} ${input.context}`
      : `${input.dataset}@${input.version} ${input.context}`
  return inputs.filter((input, i) => inputs.findIndex((other) => label(other) === label(input)) === i)
}
