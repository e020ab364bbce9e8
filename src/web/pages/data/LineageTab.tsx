import type { DatasetRef, DatasetVersion } from '../../api/types.ts'
import { useScope } from '../../frame/project-context.ts'
import { paths, type Scope } from '../../paths.ts'
import { Chip } from '../../ui/Chip.tsx'
import { Lineage } from '../../ui/Lineage.tsx'

function versionChip(scope: Scope, { dataset, version }: DatasetRef) {
  return (
    <Chip key={`${dataset}@${version}`} kind="dataset" to={paths.datasetVersion(scope, dataset, version)}>
      {dataset}@{version}
    </Chip>
  )
}

/** What this version was made from and what was made from it. */
export function LineageTab({ version }: { version: DatasetVersion }) {
  const scope = useScope()
  return (
    <Lineage
      stages={[
        {
          title: 'Made from',
          items: version.parent === null ? [] : [versionChip(scope, version.parent)],
          none: 'Uploaded',
        },
        {
          title: 'This version',
          items: [
            <Chip key="this" kind="dataset" tone="accent">
              {version.dataset}@{version.version}
            </Chip>,
            ...(version.job_id === null
              ? []
              : [
                  <Chip key="job" kind="job" to={paths.job(scope, version.job_id)}>
                    made by a job
                  </Chip>,
                ]),
          ],
        },
        {
          title: 'Used by',
          items: [
            ...version.used_by.versions.map((other) => versionChip(scope, other)),
            ...version.used_by.runs.map((run) => (
              <Chip key={run.id} kind="run" to={paths.run(scope, run.id)} title={run.status.toLowerCase()}>
                {run.name}
              </Chip>
            )),
          ],
        },
      ]}
    />
  )
}
