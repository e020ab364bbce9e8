import type { Ok } from './schema-types.ts'

/** The API's bodies by their names in the UI. They are the generated types; nothing here is written by hand. */
type P = '/api/v1/projects/{owner}/{project}'

export type RunsPage = Ok<`${P}/runs`>
export type Run = RunsPage['runs'][number]
export type RunDetail = Ok<`${P}/runs/{run}`>
export type RunColumns = Ok<`${P}/runs/columns`>
export type RunModel = Run['models'][number]
export type TracesPage = Ok<`${P}/traces`>
export type Trace = TracesPage['traces'][number]
export type TraceDetail = Ok<`${P}/traces/{trace}`>
export type Span = TraceDetail['spans'][number]
export type Assessment = TraceDetail['assessments'][number]
export type History = Ok<`${P}/runs/{run}/history`>

export type Dataset = Ok<`${P}/datasets`>['datasets'][number]
export type DatasetDetail = Ok<`${P}/datasets/{name}`>
export type VersionSummary = DatasetDetail['versions'][number]
export type DatasetVersion = Ok<`${P}/datasets/{name}/versions/{version}`>
export type DatasetRef = DatasetVersion['used_by']['versions'][number]
export type DatasetFile = DatasetVersion['files'][number]
export type FileProfile = NonNullable<DatasetVersion['profile']>['files'][number]
export type ProfileColumn = FileProfile['columns'][number]
export type Rows = Ok<`${P}/datasets/{name}/versions/{version}/rows`>

export type JobsPage = Ok<`${P}/jobs`>
export type Job = JobsPage['jobs'][number]
