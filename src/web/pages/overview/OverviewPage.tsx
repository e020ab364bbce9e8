import { useQuery } from '@tanstack/react-query'
import { eventsQuery } from '../../api/projects.ts'
import { useProject } from '../../frame/project-context.ts'
import { CopyButton } from '../../ui/CopyButton.tsx'
import { Loaded } from '../../ui/Loading.tsx'
import { Facts, Page, Section } from '../../ui/Page.tsx'
import { Time } from '../../ui/values.tsx'
import { NoRuns } from '../runs/NoRuns.tsx'
import { Chain } from './Chain.tsx'
import { EventList } from './EventList.tsx'

/** Events of a project in which nothing but itself was made: it needs a beginning, not a history. */
const YOUNG = 2

/** A project at a glance: the chain from data to decisions, and what happened lately. */
export function OverviewPage() {
  const { scope, project } = useProject()
  const events = useQuery(eventsQuery(scope, 100))
  return (
    <Page
      title={`${scope.owner}/${scope.project}`}
      lead={project.description}
      facts={
        <Facts
          items={[
            ['Visibility', project.visibility],
            ['Your role', project.role],
            ['Made', <Time key="made" ms={project.created_at_ms} />],
            [
              'Tracking URI',
              <span key="uri" style={{ display: 'inline-flex', alignItems: 'center', minWidth: 0 }}>
                <code className="truncate" style={{ minWidth: 0 }}>
                  {project.tracking_uri}
                </code>
                <CopyButton text={project.tracking_uri} what="tracking URI" size={20} />
              </span>,
            ],
          ]}
        />
      }
    >
      <Chain scope={scope} />
      {events.data !== undefined && events.data.length <= YOUNG && <NoRuns />}
      <Section title="Activity">
        <Loaded query={events}>{(list) => <EventList scope={scope} events={list} />}</Loaded>
      </Section>
    </Page>
  )
}
