import type {
  ArtifactEntriesTable,
  ArtifactUploadPartsTable,
  ArtifactUploadsTable,
  SigningKeysTable,
} from './tables/artifacts.ts'
import type { DatasetFilesTable, DatasetsTable, DatasetVersionsTable, ProjectBlobsTable } from './tables/datasets.ts'
import type {
  EventsTable,
  MembersTable,
  ProjectsTable,
  SessionsTable,
  TasksTable,
  TokensTable,
  UsersTable,
} from './tables/identity.ts'
import type { ImportedThingsTable } from './tables/moves.ts'
import type { CondemnedBlobsTable, LostRunsTable, ReclaimsTable, TombstonesTable } from './tables/recycling.ts'
import type {
  ModelAliasesTable,
  ModelFormsTable,
  ModelVersionsTable,
  ModelVersionTagsTable,
  RegisteredModelsTable,
  RegisteredModelTagsTable,
} from './tables/registry.ts'
import type {
  DecisionsTable,
  EndpointsTable,
  FeedbackTable,
  PoliciesTable,
  PredictionsTable,
} from './tables/serving.ts'
import type {
  EvalDatasetExperimentsTable,
  EvalDatasetRecordsTable,
  EvalDatasetsTable,
  EvalDatasetTagsTable,
  TraceAssessmentsTable,
  TraceLinksTable,
  TraceSpanChunksTable,
  TraceSpanKindsTable,
  TracesTable,
  TraceValuesTable,
} from './tables/traces.ts'
import type {
  ExperimentsTable,
  ExperimentTagsTable,
  LoggedModelMetricsTable,
  LoggedModelParamsTable,
  LoggedModelsTable,
  LoggedModelTagsTable,
  MetricChunksTable,
  MetricSeriesTable,
  MetricTailsTable,
  RunInputsTable,
  RunModelsTable,
  RunParamsTable,
  RunsTable,
  RunTagsTable,
} from './tables/tracking.ts'
import type { CodeFilesTable, JobsTable } from './tables/training.ts'
import type { WebhookDeliveriesTable, WebhookEventsTable, WebhooksTable } from './tables/webhooks.ts'

/** Every table of the house. The migrations make them; a test compares the two. */
export type Tables = {
  users: UsersTable
  sessions: SessionsTable
  tokens: TokensTable
  projects: ProjectsTable
  members: MembersTable
  events: EventsTable
  tasks: TasksTable
  webhooks: WebhooksTable
  webhook_events: WebhookEventsTable
  webhook_deliveries: WebhookDeliveriesTable
  experiments: ExperimentsTable
  experiment_tags: ExperimentTagsTable
  runs: RunsTable
  run_params: RunParamsTable
  run_tags: RunTagsTable
  metric_series: MetricSeriesTable
  metric_tails: MetricTailsTable
  metric_chunks: MetricChunksTable
  run_inputs: RunInputsTable
  run_models: RunModelsTable
  logged_models: LoggedModelsTable
  logged_model_params: LoggedModelParamsTable
  logged_model_tags: LoggedModelTagsTable
  logged_model_metrics: LoggedModelMetricsTable
  artifact_entries: ArtifactEntriesTable
  artifact_uploads: ArtifactUploadsTable
  artifact_upload_parts: ArtifactUploadPartsTable
  signing_keys: SigningKeysTable
  registered_models: RegisteredModelsTable
  registered_model_tags: RegisteredModelTagsTable
  model_aliases: ModelAliasesTable
  model_versions: ModelVersionsTable
  model_version_tags: ModelVersionTagsTable
  model_forms: ModelFormsTable
  datasets: DatasetsTable
  dataset_versions: DatasetVersionsTable
  dataset_files: DatasetFilesTable
  project_blobs: ProjectBlobsTable
  jobs: JobsTable
  code_files: CodeFilesTable
  endpoints: EndpointsTable
  predictions: PredictionsTable
  feedback: FeedbackTable
  policies: PoliciesTable
  decisions: DecisionsTable
  imported_things: ImportedThingsTable
  tombstones: TombstonesTable
  condemned_blobs: CondemnedBlobsTable
  reclaims: ReclaimsTable
  lost_runs: LostRunsTable
  traces: TracesTable
  trace_values: TraceValuesTable
  trace_links: TraceLinksTable
  trace_span_chunks: TraceSpanChunksTable
  trace_span_kinds: TraceSpanKindsTable
  trace_assessments: TraceAssessmentsTable
  eval_datasets: EvalDatasetsTable
  eval_dataset_tags: EvalDatasetTagsTable
  eval_dataset_experiments: EvalDatasetExperimentsTable
  eval_dataset_records: EvalDatasetRecordsTable
}
