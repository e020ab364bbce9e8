import { paths, type Scope } from '../../paths.ts'
import { Tabs } from '../../ui/Page.tsx'

/** What training and applications write down while they run. */
export function RunTabs({ scope, current }: { scope: Scope; current: 'runs' | 'traces' }) {
  return (
    <Tabs
      current={current}
      tabs={[
        { id: 'runs', label: 'Runs', to: paths.runs(scope) },
        { id: 'traces', label: 'Traces', to: paths.traces(scope) },
      ]}
    />
  )
}
