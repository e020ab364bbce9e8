import type { RegisteredModel } from '../../registry/models.service.ts'
import type { ModelVersion } from '../../registry/versions.service.ts'

/** A model version as MLflow writes it: its number is text, an absent description is "". */
export function versionMessage(version: ModelVersion): object {
  return {
    name: version.name,
    version: String(version.version),
    creation_timestamp: version.createdAtMs,
    last_updated_timestamp: version.updatedAtMs,
    user_id: version.createdBy,
    current_stage: version.stage,
    description: version.description,
    source: version.source,
    run_id: version.runId ?? '',
    status: version.status,
    tags: tagList(version.tags),
    run_link: version.runLink,
    aliases: version.aliases,
    model_id: version.loggedModelId,
  }
}

/** A registered model as MLflow writes it, without a description when there is none; `latest` are its newest versions per stage. */
export function modelMessage(model: RegisteredModel, latest: readonly ModelVersion[]): object {
  return {
    name: model.name,
    creation_timestamp: model.createdAtMs,
    last_updated_timestamp: model.updatedAtMs,
    description: model.description === '' ? null : model.description,
    latest_versions: latest.map(versionMessage),
    tags: tagList(model.tags),
    aliases: model.aliases.map(({ alias, version }) => ({ alias, version: String(version) })),
  }
}

function tagList(tags: Record<string, string>): { key: string; value: string }[] {
  return Object.entries(tags).map(([key, value]) => ({ key, value }))
}
