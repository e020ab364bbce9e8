import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { type Decision, decisionQuery } from '../../api/monitoring.ts'
import { formatCount, formatExact, formatNumber } from '../../format.ts'
import { useProject } from '../../frame/project-context.ts'
import { useRemember } from '../../frame/recent.ts'
import { paths } from '../../paths.ts'
import { Chip } from '../../ui/Chip.tsx'
import { Lineage } from '../../ui/Lineage.tsx'
import { Loaded } from '../../ui/Loading.tsx'
import { Facts, Page, Section } from '../../ui/Page.tsx'
import { StatusBadge } from '../../ui/StatusBadge.tsx'
import { Duration, Time } from '../../ui/values.tsx'
import { Comparison } from './Comparison.tsx'
import { DecisionActions } from './DecisionActions.tsx'
import css from './Monitoring.module.css'
import { wilson } from './wilson.ts'
import { decisionTitle, stepText } from './words.ts'

/** Why it retrained, what was compared on which rows, by which rules it was decided, and who may take it back. */
export function DecisionPage() {
  const { scope } = useProject()
  const { decision: id = '' } = useParams({ strict: false })
  const decision = useQuery(decisionQuery(scope, id))
  const { data } = decision
  useRemember(
    paths.decision(scope, id),
    data === undefined ? undefined : `${data.endpoint}: ${decisionTitle(data)}`,
    'Decision',
  )
  if (data === undefined) {
    return (
      <Page title="Decision">
        <Loaded query={decision}>{() => null}</Loaded>
      </Page>
    )
  }
  return (
    <Page
      title={`${data.endpoint}: ${decisionTitle(data)}`}
      status={<StatusBadge status={data.state} filled />}
      lead={data.reason ?? stepText(data.state) ?? undefined}
      actions={<DecisionActions decision={data} />}
      facts={<DecisionFacts decision={data} />}
    >
      <Section title="Why it began">
        <Trigger decision={data} />
      </Section>
      <Section title="What was made">
        <Made decision={data} />
      </Section>
      <Section title="What was compared">
        <Comparison decision={data} />
      </Section>
    </Page>
  )
}

function DecisionFacts({ decision }: { decision: Decision }) {
  const { scope } = useProject()
  const { decided_at_ms: decided, created_at_ms: begun } = decision
  // Undoing writes its own time over the decision's.
  const undone = decision.state === 'undone'
  return (
    <Facts
      items={[
        [
          'Endpoint',
          <Chip key="endpoint" kind="endpoint" to={paths.endpointMonitoring(scope, decision.endpoint)}>
            {decision.endpoint}
          </Chip>,
        ],
        ['Begun', <Time key="begun" ms={begun} />],
        [undone ? 'Undone' : 'Decided', decided === null ? null : <Time key="decided" ms={decided} />],
        ['Took', decided === null || undone ? null : <Duration key="took" ms={decided - begun} />],
      ]}
    />
  )
}

/** The figures that set it off, on a line with the threshold. */
function Trigger({ decision }: { decision: Decision }) {
  const { trigger } = decision
  const [low, high] = wilson(trigger.value, trigger.labelled)
  return (
    <div className={css.prose}>
      <p>
        <strong className="num" title={String(trigger.value)}>
          Accuracy {formatNumber(trigger.value)}
        </strong>{' '}
        over {formatCount(trigger.labelled)} labelled predictions of v{decision.champion.version}, below the threshold
        of <strong className="num">{formatNumber(trigger.threshold)}</strong>.
      </p>
      <p className="muted">
        With so many cases the true accuracy lies between {formatNumber(low)} and {formatNumber(high)} (95 %). They were
        predicted between {formatExact(trigger.from_ms)} and {formatExact(trigger.to_ms)}.
      </p>
    </div>
  )
}

/** Champion's data and feedback → dataset version → job → challenger. */
function Made({ decision }: { decision: Decision }) {
  const { scope } = useProject()
  const { champion, challenger, dataset, job_id: job } = decision
  return (
    <Lineage
      stages={[
        {
          title: 'Served then',
          items: [
            <Chip key="champion" kind="model" to={paths.modelVersion(scope, champion.model, champion.version)}>
              {champion.model} v{champion.version}
            </Chip>,
          ],
        },
        {
          title: 'Its data with the feedback',
          none: 'not made yet',
          items:
            dataset === null
              ? []
              : [
                  <Chip key="dataset" kind="dataset" to={paths.datasetVersion(scope, dataset.name, dataset.version)}>
                    {dataset.name}@{dataset.version}
                  </Chip>,
                ],
        },
        {
          title: 'Retraining',
          none: 'not begun yet',
          items:
            job === null
              ? []
              : [
                  <Chip key="job" kind="job" to={paths.job(scope, job)}>
                    {job.slice(-8)}
                  </Chip>,
                ],
        },
        {
          title: 'Challenger',
          none: decision.decided_at_ms === null ? 'not there yet' : 'none came of it',
          items:
            challenger === null
              ? []
              : [
                  <Chip
                    key="challenger"
                    kind="model"
                    tone="accent"
                    to={paths.modelVersion(scope, challenger.model, challenger.version)}
                  >
                    {challenger.model} v{challenger.version}
                  </Chip>,
                ],
        },
      ]}
    />
  )
}
