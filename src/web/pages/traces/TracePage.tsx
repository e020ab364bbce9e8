import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { useMemo } from 'react'
import { experimentsQuery } from '../../api/runs.ts'
import { traceQuery } from '../../api/traces.ts'
import type { Assessment, Span, TraceDetail } from '../../api/types.ts'
import { shortId } from '../../format.ts'
import { useProject } from '../../frame/project-context.ts'
import { useRemember } from '../../frame/recent.ts'
import { paths, type Scope } from '../../paths.ts'
import { Chip } from '../../ui/Chip.tsx'
import { CopyButton } from '../../ui/CopyButton.tsx'
import { Loaded } from '../../ui/Loading.tsx'
import { Facts, Page, Section } from '../../ui/Page.tsx'
import { StatusBadge } from '../../ui/StatusBadge.tsx'
import { useUrlParam } from '../../ui/url-state.ts'
import { Duration, Time } from '../../ui/values.tsx'
import { SpanTree } from './SpanTree.tsx'
import { valueText } from './span-tree.ts'
import css from './Traces.module.css'

/** One trace: its spans as a tree over time, and what went in and out of the one that is looked at. */
export function TracePage() {
  const { scope } = useProject()
  const id = useParams({ strict: false }).trace ?? ''
  const trace = useQuery(traceQuery(scope, id))
  const name = trace.data?.name ?? undefined
  useRemember(paths.trace(scope, id), name, 'Trace')
  return (
    <Page
      title={name ?? 'Trace'}
      status={
        <>
          {trace.data && <StatusBadge status={trace.data.status} filled />}
          <CopyButton text={id} what="trace id" />
        </>
      }
      facts={trace.data && <TraceFacts scope={scope} trace={trace.data} />}
    >
      <Loaded query={trace}>{(data) => <Content trace={data} />}</Loaded>
    </Page>
  )
}

function TraceFacts({ scope, trace }: { scope: Scope; trace: TraceDetail }) {
  const experiments = useQuery(experimentsQuery(scope))
  const experiment = experiments.data?.find((one) => one.id === trace.experiment_id)
  return (
    <Facts
      items={[
        ['Started', <Time key="started" ms={trace.started_at_ms} />],
        ['Took', <Duration key="took" ms={trace.duration_ms} />],
        ['Spans', Math.max(trace.span_count, trace.spans.length)],
        [
          'Run',
          trace.run_id && (
            <Chip kind="run" to={paths.run(scope, trace.run_id)}>
              {shortId(trace.run_id)}
            </Chip>
          ),
        ],
        [
          'Experiment',
          <Chip key="experiment" to={paths.traces(scope, { experiment: trace.experiment_id })}>
            {experiment?.name ?? trace.experiment_id}
          </Chip>,
        ],
        ['Session', trace.metadata['mlflow.trace.session']],
        ['User', trace.metadata['mlflow.trace.user']],
      ]}
    />
  )
}

function Content({ trace }: { trace: TraceDetail }) {
  const [opened, setOpened] = useUrlParam('span')
  const span = useMemo(() => trace.spans.find((one) => one.id === opened) ?? trace.spans[0], [trace.spans, opened])
  return (
    <>
      {trace.spans.length === 0 ? (
        <p className="muted">
          {trace.status === 'IN_PROGRESS' ? 'Its spans have not come yet.' : 'No spans were kept of this trace.'}
        </p>
      ) : (
        <div className={css.columns}>
          <Section title="Spans">
            <SpanTree spans={trace.spans} selected={span?.id ?? ''} onSelect={setOpened} />
            {trace.span_count > trace.spans.length && (
              <p className="muted small">
                The first {trace.spans.length} of {trace.span_count} spans.
              </p>
            )}
          </Section>
          {span !== undefined && <SpanDetail span={span} />}
        </div>
      )}
      {trace.assessments.length > 0 && (
        <Section title="Assessments">
          <ul className={css.assessments}>
            {trace.assessments.map((one) => (
              <AssessmentItem key={one.id} assessment={one} />
            ))}
          </ul>
        </Section>
      )}
      <Section title="Tags">
        <Pairs values={trace.tags} />
      </Section>
    </>
  )
}

function SpanDetail({ span }: { span: Span }) {
  return (
    <section className={css.detail} aria-label={`Span ${span.name}`}>
      <div className={css.detailHead}>
        <h2>{span.name}</h2>
        <StatusBadge status={span.status} />
        <span className="muted small">{span.type}</span>
        <Duration ms={span.duration_ms} />
      </div>
      {span.message !== null && span.message !== '' && <p className={css.failure}>{span.message}</p>}
      <Value title="Inputs" value={span.inputs} />
      <Value title="Outputs" value={span.outputs} />
      {span.events.map((event) => (
        <Value
          key={`${event.name} ${event.at_ms}`}
          title={`Event: ${event.name}`}
          value={eventValue(event.attributes)}
        />
      ))}
      {Object.keys(span.attributes).length > 0 && (
        <div>
          <h3>Attributes</h3>
          <Pairs values={span.attributes} />
        </div>
      )}
    </section>
  )
}

/** An exception shows as its stack trace, which begins with its name and message. */
function eventValue(attributes: Record<string, unknown>): unknown {
  return attributes['exception.stacktrace'] ?? attributes
}

function Value({ title, value }: { title: string; value: unknown }) {
  if (value === null || value === undefined) return null
  const text = valueText(value)
  return (
    <div>
      <div className={css.valueHead}>
        <h3>{title}</h3>
        <CopyButton text={text} what={title.toLowerCase()} />
      </div>
      <pre className={css.value}>{text}</pre>
    </div>
  )
}

function Pairs({ values }: { values: Record<string, unknown> }) {
  return (
    <dl className={css.pairs}>
      {Object.entries(values).map(([key, value]) => (
        <div key={key}>
          <dt title={key}>{key}</dt>
          <dd>{valueText(value)}</dd>
        </div>
      ))}
    </dl>
  )
}

function AssessmentItem({ assessment }: { assessment: Assessment }) {
  return (
    <li data-replaced={!assessment.valid || undefined}>
      <strong>{assessment.name}</strong> <span className="mono">{assessment.error ?? valueText(assessment.value)}</span>{' '}
      <span className="muted">
        {assessment.kind}
        {assessment.source === null ? '' : ` by ${assessment.source}`}
        {assessment.valid ? '' : ', replaced'} · <Time ms={assessment.created_at_ms} />
      </span>
      {assessment.rationale !== null && assessment.rationale !== '' && <p>{assessment.rationale}</p>}
    </li>
  )
}
