import type { VersionSummary } from '../../api/models.ts'
import type { Column } from '../../ui/DataTable.tsx'
import { Num } from '../../ui/values.tsx'

/** So many metrics are shown at once; the column chooser has the others. */
const SHOWN = 3

/** One column for each metric that a version has. What speaks of held-out data comes first: it is what people compare by. */
export function metricColumns<T extends Pick<VersionSummary, 'metrics'>>(versions: T[]): Column<T>[] {
  const counts = new Map<string, number>()
  for (const version of versions) {
    for (const name of Object.keys(version.metrics)) counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  const names = [...counts.keys()].sort(
    (a, b) => rank(a) - rank(b) || counts.get(b)! - counts.get(a)! || a.localeCompare(b),
  )
  return names.map((name, index) => ({
    id: `metrics.${name}`,
    header: name,
    group: 'Metrics',
    align: 'right',
    width: 124,
    hidden: index >= SHOWN,
    ...(index === 0 ? { phone: true } : {}),
    value: (version) => version.metrics[name] ?? null,
    cell: (version) => <Num value={version.metrics[name]} />,
  }))
}

function rank(name: string): number {
  const place = ['test', 'val', 'eval'].findIndex((word) => name.toLowerCase().startsWith(word))
  const held = place === -1 ? 10 : place
  return /accuracy|f1|auc|rmse|mae|r2/i.test(name) ? held - 0.5 : held
}
