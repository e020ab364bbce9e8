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
  ExperimentsTable,
  ExperimentTagsTable,
  LatestMetricsTable,
  LoggedModelMetricsTable,
  LoggedModelParamsTable,
  LoggedModelsTable,
  LoggedModelTagsTable,
  MetricsTable,
  RunInputsTable,
  RunModelsTable,
  RunParamsTable,
  RunsTable,
  RunTagsTable,
} from './tables/tracking.ts'
import type { CodeFilesTable, JobsTable } from './tables/training.ts'

/** Every table of the house. The migrations make them; a test compares the two. */
export type Tables = {
  users: UsersTable
  sessions: SessionsTable
  tokens: TokensTable
  projects: ProjectsTable
  members: MembersTable
  events: EventsTable
  tasks: TasksTable
  experiments: ExperimentsTable
  experiment_tags: ExperimentTagsTable
  runs: RunsTable
  run_params: RunParamsTable
  run_tags: RunTagsTable
  metrics: MetricsTable
  latest_metrics: LatestMetricsTable
  run_inputs: RunInputsTable
  run_models: RunModelsTable
  logged_models: LoggedModelsTable
  logged_model_params: LoggedModelParamsTable
  logged_model_tags: LoggedModelTagsTable
  logged_model_metrics: LoggedModelMetricsTable
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
}
