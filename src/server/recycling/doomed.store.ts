import { type RawBuilder, sql } from 'kysely'
import type { Db } from '../../db/dialect.ts'
import type { BinKind } from '../../db/tables/recycling.ts'

/**
 * Everything that goes with one thing, as queries of ids. Nothing of this set stands in the way of another part of it: an
 * experiment's runs may use each other's models.
 */
export type Doomed = {
  projectId: string
  kind: BinKind
  /** The row's id: a number for experiments. */
  id: string | number
  runs: RawBuilder<unknown>
  loggedModels: RawBuilder<unknown>
  modelVersions: RawBuilder<unknown>
  datasetVersions: RawBuilder<unknown>
}

const NONE = sql`SELECT NULL WHERE 1 = 0`

export function doomedWith(projectId: string, kind: BinKind, id: string | number): Doomed {
  const set = { projectId, kind, id, runs: NONE, loggedModels: NONE, modelVersions: NONE, datasetVersions: NONE }
  switch (kind) {
    case 'experiment':
      return {
        ...set,
        runs: sql`SELECT id FROM runs WHERE experiment_id = ${id}`,
        loggedModels: sql`SELECT id FROM logged_models WHERE experiment_id = ${id}`,
      }
    case 'run':
      return {
        ...set,
        runs: sql`SELECT id FROM runs WHERE id = ${id} AND project_id = ${projectId}`,
        loggedModels: sql`SELECT id FROM logged_models WHERE source_run_id = ${id} AND project_id = ${projectId}`,
      }
    case 'logged_model':
      return { ...set, loggedModels: sql`SELECT id FROM logged_models WHERE id = ${id} AND project_id = ${projectId}` }
    case 'model':
      return { ...set, modelVersions: sql`SELECT id FROM model_versions WHERE model_id = ${id}` }
    case 'model_version':
      return { ...set, modelVersions: sql`SELECT id FROM model_versions WHERE id = ${id}` }
    case 'dataset':
      return { ...set, datasetVersions: sql`SELECT id FROM dataset_versions WHERE dataset_id = ${id}` }
    case 'dataset_version':
      return { ...set, datasetVersions: sql`SELECT id FROM dataset_versions WHERE id = ${id}` }
  }
}

/** Something that needs what shall go, in the words of a message. */
export type Need = { kind: string; name: string; why: string }

const WORKING = sql`('queued', 'preparing', 'running')`
const UNDECIDED = sql`('retraining', 'converting', 'comparing', 'waiting')`

/** At most `limit` of the things outside the set that need something in it. */
export async function needsOf(db: Db, doomed: Doomed, limit: number): Promise<Need[]> {
  const found: Need[] = []
  for (const query of needQueries(doomed)) {
    if (found.length >= limit) break
    const { rows } = await sql<Need>`${query} LIMIT ${limit - found.length}`.execute(db)
    found.push(...rows)
  }
  return found
}

function needQueries(doomed: Doomed): RawBuilder<unknown>[] {
  const { kind } = doomed
  if (kind === 'experiment' || kind === 'run' || kind === 'logged_model') return needsOfRuns(doomed)
  if (kind === 'model' || kind === 'model_version') return needsOfVersions(doomed)
  return needsOfData(doomed)
}

function needsOfRuns({ runs, loggedModels }: Doomed): RawBuilder<unknown>[] {
  return [
    sql`SELECT 'model_version' AS kind, m.name || '/' || v.version AS name, CASE
          WHEN v.deleted_at_ms IS NOT NULL THEN 'was made of it (it is in the recycle bin: delete it for ever first)'
          ELSE 'was made of it' END AS why
        FROM model_versions AS v JOIN registered_models AS m ON m.id = v.model_id
        WHERE (v.run_id IN (${runs}) OR v.logged_model_id IN (${loggedModels}))
          AND NOT EXISTS (SELECT 1 FROM tombstones AS g WHERE g.kind = 'model_version' AND g.thing_id = v.id)
        ORDER BY m.name, v.version`,
    sql`SELECT 'run' AS kind, r.name, 'used its model as an input' AS why
        FROM run_models AS u JOIN runs AS r ON r.id = u.run_id
        WHERE u.model_id IN (${loggedModels}) AND u.direction = 'input' AND u.run_id NOT IN (${runs})
        ORDER BY r.started_at_ms, r.id`,
    sql`SELECT 'job' AS kind, j.name, 'is still working on it' AS why FROM jobs AS j
        WHERE j.run_id IN (${runs}) AND j.state IN ${WORKING} ORDER BY j.created_at_ms, j.id`,
  ]
}

function needsOfVersions({ kind, id, modelVersions }: Doomed): RawBuilder<unknown>[] {
  const serves =
    kind === 'model'
      ? sql`e.model_id = ${id}`
      : sql`EXISTS (SELECT 1 FROM model_versions AS v WHERE v.id IN (${modelVersions}) AND v.model_id = e.model_id AND v.version = e.version)`
  return [
    sql`SELECT 'endpoint' AS kind, e.name, 'serves it' AS why FROM endpoints AS e
        WHERE e.deleted_at_ms IS NULL AND ${serves} ORDER BY e.name`,
    sql`SELECT 'decision' AS kind, d.id AS name, 'is still comparing it' AS why FROM decisions AS d
        WHERE (d.champion_version_id IN (${modelVersions}) OR d.challenger_version_id IN (${modelVersions}))
          AND d.state IN ${UNDECIDED} ORDER BY d.id`,
  ]
}

function needsOfData({ datasetVersions }: Doomed): RawBuilder<unknown>[] {
  return [
    sql`SELECT 'run' AS kind, r.name, CASE WHEN r.lifecycle = 'deleted'
          THEN 'used it (it is in the recycle bin: delete it for ever first)' ELSE 'used it' END AS why
        FROM runs AS r WHERE r.id IN (SELECT run_id FROM run_inputs WHERE dataset_version_id IN (${datasetVersions}))
        ORDER BY r.started_at_ms, r.id`,
    sql`SELECT 'dataset_version' AS kind, d.name || '/' || v.version AS name, 'was made from it' AS why
        FROM dataset_versions AS v JOIN datasets AS d ON d.id = v.dataset_id
        WHERE v.parent_id IN (${datasetVersions}) AND v.id NOT IN (${datasetVersions})
          AND NOT EXISTS (SELECT 1 FROM tombstones AS g WHERE g.kind = 'dataset_version' AND g.thing_id = v.id)
        ORDER BY d.name, v.version`,
    sql`SELECT 'job' AS kind, j.name, 'is still working on it' AS why FROM jobs AS j
        WHERE j.dataset_version_id IN (${datasetVersions}) AND j.state IN ${WORKING} ORDER BY j.created_at_ms, j.id`,
    sql`SELECT 'decision' AS kind, d.id AS name, 'is still comparing with it' AS why FROM decisions AS d
        WHERE d.dataset_version_id IN (${datasetVersions}) AND d.state IN ${UNDECIDED} ORDER BY d.id`,
  ]
}

/** The folders of the project's artifact space that belong to the runs and logged models of the set, with whose they are. */
export async function artifactOwners(
  db: Db,
  { runs, loggedModels }: Doomed,
): Promise<{ kind: 'run' | 'logged_model'; id: string; name: string; artifact_uri: string }[]> {
  const { rows } = await sql<{ kind: 'run' | 'logged_model'; id: string; name: string; artifact_uri: string }>`
    SELECT 'run' AS kind, id, name, artifact_uri FROM runs WHERE id IN (${runs})
    UNION ALL SELECT 'logged_model', id, name, artifact_uri FROM logged_models WHERE id IN (${loggedModels})`.execute(
    db,
  )
  return rows
}

/** The folders that versions of the set have for themselves, and no version outside of it was made from. */
export async function versionFolders(db: Db, { projectId, modelVersions }: Doomed): Promise<string[]> {
  const { rows } = await sql<{ path: string }>`SELECT DISTINCT v.artifact_path AS path FROM model_versions AS v
    WHERE v.id IN (${modelVersions}) AND v.artifact_path LIKE 'model-versions/%'
      AND NOT EXISTS (SELECT 1 FROM model_versions AS o WHERE o.project_id = ${projectId}
        AND o.artifact_path = v.artifact_path AND o.id NOT IN (${modelVersions}))`.execute(db)
  // The folder with the version's id, above its artifacts.
  return rows.map(({ path }) => path.split('/').slice(0, 2).join('/'))
}

/** Content that only this set refers to, with its size: what a sweep would free. */
export async function contentOf(
  db: Db,
  { projectId, modelVersions, datasetVersions }: Doomed,
): Promise<{ sha256: string; size_bytes: number }[]> {
  const { rows } = await sql<{ sha256: string; size_bytes: number }>`
    SELECT c.sha256, MAX(c.size_bytes) AS size_bytes FROM (
      SELECT sha256, size_bytes FROM dataset_files WHERE version_id IN (${datasetVersions})
      UNION ALL SELECT blob_sha256, size_bytes FROM model_forms WHERE version_id IN (${modelVersions}) AND blob_sha256 IS NOT NULL
    ) AS c
    WHERE NOT EXISTS (SELECT 1 FROM dataset_files AS f WHERE f.sha256 = c.sha256 AND f.version_id NOT IN (${datasetVersions}))
      AND NOT EXISTS (SELECT 1 FROM code_files AS k WHERE k.sha256 = c.sha256)
      AND NOT EXISTS (SELECT 1 FROM model_forms AS m WHERE m.blob_sha256 = c.sha256 AND m.version_id NOT IN (${modelVersions}))
      AND NOT EXISTS (SELECT 1 FROM project_blobs AS p WHERE p.sha256 = c.sha256 AND p.project_id <> ${projectId})
    GROUP BY c.sha256`.execute(db)
  return rows.map((row) => ({ sha256: row.sha256, size_bytes: Number(row.size_bytes) }))
}
