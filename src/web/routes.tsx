import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router'
import { BASE_PATH } from './base.ts'
import { ProjectFrame } from './frame/ProjectFrame.tsx'
import { Shell } from './frame/Shell.tsx'
import { NotFound } from './pages/NotFound.tsx'
import { PageError } from './pages/PageError.tsx'

/** The route table: one line a page, each loaded when it is first opened. Links are made by paths.ts, never by hand. */
const root = createRootRoute({ component: Shell, notFoundComponent: NotFound })

const home = createRoute({
  getParentRoute: () => root,
  path: '/',
  component: lazyRouteComponent(() => import('./pages/projects/ProjectsPage.tsx'), 'ProjectsPage'),
})
const login = createRoute({
  getParentRoute: () => root,
  path: '/login',
  component: lazyRouteComponent(() => import('./pages/login/LoginPage.tsx'), 'LoginPage'),
})

const apiReference = createRoute({
  getParentRoute: () => root,
  path: '/api-reference',
  component: lazyRouteComponent(() => import('./pages/api-reference/ApiReferencePage.tsx'), 'ApiReferencePage'),
})

const project = createRoute({ getParentRoute: () => root, path: '/$owner/$project', component: ProjectFrame })
const inProject = <P extends string>(path: P, component: ReturnType<typeof lazyRouteComponent>) =>
  createRoute({ getParentRoute: () => project, path, component })

const pages = [
  inProject(
    '/',
    lazyRouteComponent(() => import('./pages/overview/OverviewPage.tsx'), 'OverviewPage'),
  ),
  inProject(
    '/data',
    lazyRouteComponent(() => import('./pages/data/DataPage.tsx'), 'DataPage'),
  ),
  inProject(
    '/data/$dataset',
    lazyRouteComponent(() => import('./pages/data/DatasetPage.tsx'), 'DatasetPage'),
  ),
  inProject(
    '/data/$dataset/versions/$version',
    lazyRouteComponent(() => import('./pages/data/DatasetVersionPage.tsx'), 'DatasetVersionPage'),
  ),
  inProject(
    '/jobs',
    lazyRouteComponent(() => import('./pages/jobs/JobsPage.tsx'), 'JobsPage'),
  ),
  inProject(
    '/jobs/$job',
    lazyRouteComponent(() => import('./pages/jobs/JobPage.tsx'), 'JobPage'),
  ),
  inProject(
    '/runs',
    lazyRouteComponent(() => import('./pages/runs/RunsPage.tsx'), 'RunsPage'),
  ),
  inProject(
    '/runs/traces',
    lazyRouteComponent(() => import('./pages/traces/TracesPage.tsx'), 'TracesPage'),
  ),
  inProject(
    '/runs/traces/$trace',
    lazyRouteComponent(() => import('./pages/traces/TracePage.tsx'), 'TracePage'),
  ),
  inProject(
    '/runs/$run',
    lazyRouteComponent(() => import('./pages/runs/RunPage.tsx'), 'RunPage'),
  ),
  inProject(
    '/models',
    lazyRouteComponent(() => import('./pages/models/ModelsPage.tsx'), 'ModelsPage'),
  ),
  inProject(
    '/models/$model',
    lazyRouteComponent(() => import('./pages/models/ModelPage.tsx'), 'ModelPage'),
  ),
  inProject(
    '/models/$model/versions/$version',
    lazyRouteComponent(() => import('./pages/models/ModelVersionPage.tsx'), 'ModelVersionPage'),
  ),
  inProject(
    '/endpoints',
    lazyRouteComponent(() => import('./pages/endpoints/EndpointsPage.tsx'), 'EndpointsPage'),
  ),
  inProject(
    '/endpoints/$endpoint',
    lazyRouteComponent(() => import('./pages/endpoints/PredictPage.tsx'), 'PredictPage'),
  ),
  inProject(
    '/endpoints/$endpoint/predictions',
    lazyRouteComponent(() => import('./pages/endpoints/PredictionsPage.tsx'), 'PredictionsPage'),
  ),
  inProject(
    '/endpoints/$endpoint/use',
    lazyRouteComponent(() => import('./pages/endpoints/UsePage.tsx'), 'UsePage'),
  ),
  inProject(
    '/endpoints/$endpoint/monitoring',
    lazyRouteComponent(() => import('./pages/monitoring/EndpointMonitoringPage.tsx'), 'EndpointMonitoringPage'),
  ),
  inProject(
    '/monitoring',
    lazyRouteComponent(() => import('./pages/monitoring/MonitoringPage.tsx'), 'MonitoringPage'),
  ),
  inProject(
    '/monitoring/decisions/$decision',
    lazyRouteComponent(() => import('./pages/monitoring/DecisionPage.tsx'), 'DecisionPage'),
  ),
  inProject(
    '/catalogue',
    lazyRouteComponent(() => import('./pages/catalogue/CataloguePage.tsx'), 'CataloguePage'),
  ),
  inProject(
    '/recycle-bin',
    lazyRouteComponent(() => import('./pages/recycle-bin/RecycleBinPage.tsx'), 'RecycleBinPage'),
  ),
  inProject(
    '/settings',
    lazyRouteComponent(() => import('./pages/settings/SettingsPage.tsx'), 'SettingsPage'),
  ),
]

/** Addresses carry plain text only: `?sort=-name` stays what it is. */
function parseSearch(search: string): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(search))
}

function stringifySearch(search: Record<string, unknown>): string {
  const text = new URLSearchParams(
    Object.entries(search).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
  ).toString()
  return text === '' ? '' : `?${text}`
}

export const router = createRouter({
  routeTree: root.addChildren([home, login, apiReference, project.addChildren(pages)]),
  basepath: BASE_PATH === '' ? '/' : BASE_PATH,
  defaultPreload: 'intent',
  defaultErrorComponent: PageError,
  defaultNotFoundComponent: NotFound,
  scrollRestoration: true,
  scrollToTopSelectors: ['#content'],
  parseSearch,
  stringifySearch,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
