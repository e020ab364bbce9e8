import { Button, SegmentedControl, Switch, Textarea, TextInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import type { Endpoint } from '../../api/endpoints.ts'
import { ApiError } from '../../api/errors.ts'
import { type Policy, putPolicy } from '../../api/monitoring.ts'
import { key, queryClient } from '../../api/query.ts'
import { useScope } from '../../frame/project-context.ts'
import { ErrorView } from '../../ui/ErrorView.tsx'
import css from './Monitoring.module.css'
import { changeOf, draftOfPolicy, type PolicyDraft, problemsOf } from './policy-draft.ts'

type NumberName = Exclude<keyof PolicyDraft, 'enabled' | 'promote' | 'parameters'>

const NUMBERS: { name: NumberName; label: string; help: string; unit: string }[] = [
  {
    name: 'threshold',
    label: 'Threshold',
    unit: 'accuracy',
    help: 'Retrain when accuracy falls below this. 1 is always right; look at the chart for what is normal here.',
  },
  {
    name: 'window',
    label: 'Window',
    unit: 'predictions',
    help: 'How many of the newest labelled predictions of the version that serves are looked at.',
  },
  {
    name: 'min_samples',
    label: 'Least labelled predictions',
    unit: 'predictions',
    help: 'Fewer decide nothing: a few wrong answers may be chance.',
  },
  {
    name: 'holdout_share',
    label: 'Kept to compare on',
    unit: 'share',
    help: 'This share of the feedback is not trained on: old and new version are compared on it.',
  },
  {
    name: 'min_gain',
    label: 'Least gain',
    unit: 'accuracy',
    help: 'The new version must be better by this on the kept feedback: 0.01 is one percentage point.',
  },
  {
    name: 'max_regression',
    label: 'Largest loss',
    unit: 'accuracy',
    help: 'On the reference test it may be worse by at most this: it must not forget what it knew.',
  },
  {
    name: 'cooldown_hours',
    label: 'Rest after a decision',
    unit: 'hours',
    help: 'No new retraining meanwhile; doubled by each refusal in a row.',
  },
]

type Props = { endpoint: Endpoint; policy: Policy | null; onDone: () => void }

/** One column, each number with its unit and what it does; checked as one types. */
export function PolicyForm({ endpoint, policy, onDone }: Props) {
  const scope = useScope()
  const [draft, setDraft] = useState(() => draftOfPolicy(policy))
  const problems = problemsOf(draft)
  const save = useMutation({
    mutationFn: () => putPolicy(scope, endpoint.name, changeOf(draft)),
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: key(scope, 'monitoring') })
      onDone()
    },
  })
  const refused = save.error instanceof ApiError ? save.error : null
  const change = (part: Partial<PolicyDraft>) => setDraft((now) => ({ ...now, ...part }))
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (Object.keys(problems).length === 0) save.mutate()
  }
  return (
    <form className={css.form} onSubmit={submit} noValidate aria-label="Policy">
      <Switch
        label="The policy acts"
        checked={draft.enabled}
        onChange={(event) => change({ enabled: event.currentTarget.checked })}
      />
      {NUMBERS.map(({ name, label, help, unit }) => (
        <TextInput
          key={name}
          label={label}
          description={help}
          value={draft[name]}
          onChange={(event) => change({ [name]: event.currentTarget.value })}
          error={problems[name] ?? (refused?.fieldName === name ? refused.message : null)}
          rightSection={<span className={css.unit}>{unit}</span>}
          rightSectionWidth={92}
          inputMode="decimal"
        />
      ))}
      <WhenItPasses value={draft.promote} onChange={(promote) => change({ promote })} />
      <Textarea
        label="Other parameters for the retraining"
        description="One a line, name = value. Without any it repeats the champion’s job as it was."
        placeholder="max_depth = 6"
        value={draft.parameters}
        onChange={(event) => change({ parameters: event.currentTarget.value })}
        error={problems.parameters ?? null}
        minRows={2}
        autosize
        styles={{ input: { fontFamily: 'var(--mono)', fontSize: 12 } }}
      />
      {!NUMBERS.some(({ name }) => name === refused?.fieldName) && <ErrorView error={save.error} />}
      <div className={css.tools}>
        <Button type="submit" variant="filled" loading={save.isPending}>
          {policy === null ? 'Add policy' : 'Save policy'}
        </Button>
        <Button variant="subtle" onClick={onDone}>
          Cancel
        </Button>
      </div>
    </form>
  )
}

type Promote = PolicyDraft['promote']

function WhenItPasses({ value, onChange }: { value: Promote; onChange: (value: Promote) => void }) {
  return (
    <fieldset className={css.group}>
      <legend>When the new version passes</legend>
      <SegmentedControl
        data={[
          { value: 'auto', label: 'Promote it' },
          { value: 'ask', label: 'Ask first' },
        ]}
        value={value}
        onChange={(chosen) => onChange(chosen as Promote)}
      />
    </fieldset>
  )
}
