import { Button } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { type ModelChange, modelHistoryQuery } from '../../api/models.ts'
import { useScope } from '../../frame/project-context.ts'
import { paths } from '../../paths.ts'
import { AppLink } from '../../ui/AppLink.tsx'
import { Loaded } from '../../ui/Loading.tsx'
import { Section } from '../../ui/Page.tsx'
import { Time } from '../../ui/values.tsx'
import css from './Models.module.css'

/** Changes that are shown before somebody asks for more, and then. */
const FEW = 5
const MANY = 200

/** Who moved which alias or stage of the model, when, and why. */
export function ModelHistory({ model }: { model: string }) {
  const scope = useScope()
  const [limit, setLimit] = useState(FEW)
  const history = useQuery(modelHistoryQuery(scope, model, limit))
  return (
    <Section title="History">
      <Loaded query={history}>
        {({ changes, next_before }) => (
          <>
            {changes.length === 0 && <p className="muted">No alias and no stage was changed yet.</p>}
            {changes.length > 0 && <Changes model={model} changes={changes} />}
            {next_before !== null && limit === FEW && (
              <div>
                <Button size="compact-sm" onClick={() => setLimit(MANY)}>
                  Show more
                </Button>
              </div>
            )}
            {next_before !== null && limit === MANY && (
              <p className="muted">The last {MANY} changes; older ones are in the audit log.</p>
            )}
          </>
        )}
      </Loaded>
    </Section>
  )
}

function Changes({ model, changes }: { model: string; changes: ModelChange[] }) {
  return (
    <ol className={css.history} aria-label="History">
      {changes.map((change) => (
        <li key={`${change.event_id} ${change.alias} ${change.version}`}>
          <p>
            <strong>{change.by}</strong> <Move change={change} model={model} />
            <span className="muted">
              {', '}
              <Time ms={change.at_ms} />
            </span>
          </p>
          <Why change={change} />
        </li>
      ))}
    </ol>
  )
}

function Move({ change, model }: { change: ModelChange; model: string }) {
  const { alias, from, to } = change
  if (alias === null) {
    return (
      <>
        moved <Version model={model} version={change.version} /> from stage {from} to {to}
      </>
    )
  }
  const name = <strong>@{alias}</strong>
  if (to === null) {
    return (
      <>
        removed {name} from <Version model={model} version={from} />
      </>
    )
  }
  if (from === null) {
    return (
      <>
        gave {name} to <Version model={model} version={to} />
      </>
    )
  }
  return (
    <>
      moved {name} from <Version model={model} version={from} /> to <Version model={model} version={to} />
    </>
  )
}

function Version({ model, version }: { model: string; version: number | string | null }) {
  const scope = useScope()
  return <AppLink to={paths.modelVersion(scope, model, String(version))}>v{version}</AppLink>
}

function Why({ change }: { change: ModelChange }) {
  const scope = useScope()
  if (change.because === null) return null
  return (
    <p className="muted">
      {change.because}{' '}
      {change.decision_id !== null && <AppLink to={paths.decision(scope, change.decision_id)}>The decision</AppLink>}
    </p>
  )
}
