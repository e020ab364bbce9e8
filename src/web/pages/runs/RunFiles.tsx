import { SegmentedControl } from '@mantine/core'
import { useMemo } from 'react'
import { loggedModelFiles, runFiles } from '../../api/runs.ts'
import type { Run } from '../../api/types.ts'
import type { Scope } from '../../paths.ts'
import { FileBrowser } from '../../ui/FileBrowser.tsx'
import { useUrlParams } from '../../ui/url-state.ts'

/** The run's files, and those of each model it logged. */
export function RunFiles({ scope, run }: { scope: Scope; run: Run }) {
  const [{ of = '', path = '' }, change] = useUrlParams()
  const source = useMemo(() => (of === '' ? runFiles(scope, run.id) : loggedModelFiles(scope, of)), [scope, run.id, of])
  return (
    <>
      {run.models.length > 0 && (
        <SegmentedControl
          aria-label="Whose files"
          w="fit-content"
          data={[
            { value: '', label: 'Run' },
            ...run.models.map((model) => ({ value: model.id, label: `Model ${model.name}` })),
          ]}
          value={of}
          onChange={(next) => change({ of: next, path: null })}
        />
      )}
      <FileBrowser
        key={of}
        source={source}
        selected={path}
        onSelect={(next) => change({ path: next })}
        none={of === '' ? 'The run stored no files of its own.' : 'No files.'}
      />
    </>
  )
}
