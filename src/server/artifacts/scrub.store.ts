import { sql } from 'kysely'
import type { Db } from '../../db/dialect.ts'

/** Every hash that something refers to, once, in order; `after`: the last one of the page before. */
export async function referencedContent(db: Db, after: string, limit: number): Promise<string[]> {
  const { rows } = await sql<{ sha256: string }>`
    SELECT sha256 FROM dataset_files WHERE sha256 > ${after}
    UNION SELECT sha256 FROM code_files WHERE sha256 > ${after}
    UNION SELECT sha256 FROM project_blobs WHERE sha256 > ${after}
    UNION SELECT blob_sha256 FROM model_forms WHERE blob_sha256 > ${after}
    ORDER BY 1 LIMIT ${limit}`.execute(db)
  return rows.map((row) => row.sha256)
}

/** What refers to content, in words: `ada/flood: dataset iris@3 train.csv`. */
export async function contentOwners(db: Db, sha256: string, limit: number): Promise<string[]> {
  const { rows } = await sql<{ owner: string }>`
    SELECT p.owner || '/' || p.name || ': dataset ' || d.name || '@' || v.version || ' ' || f.path AS owner
      FROM dataset_files AS f JOIN dataset_versions AS v ON v.id = f.version_id JOIN datasets AS d ON d.id = v.dataset_id
      JOIN projects AS p ON p.id = v.project_id WHERE f.sha256 = ${sha256}
    UNION SELECT p.owner || '/' || p.name || ': code ' || f.digest || ' ' || f.path
      FROM code_files AS f JOIN projects AS p ON p.id = f.project_id WHERE f.sha256 = ${sha256}
    UNION SELECT p.owner || '/' || p.name || ': ' || f.kind || ' form of model ' || m.name || '/' || v.version
      FROM model_forms AS f JOIN model_versions AS v ON v.id = f.version_id JOIN registered_models AS m ON m.id = v.model_id
      JOIN projects AS p ON p.id = f.project_id WHERE f.blob_sha256 = ${sha256}
    ORDER BY 1 LIMIT ${limit}`.execute(db)
  if (rows.length > 0) return rows.map((row) => row.owner)
  const held = await sql<{ owner: string }>`
    SELECT p.owner || '/' || p.name || ': uploaded, not yet used' AS owner
      FROM project_blobs AS b JOIN projects AS p ON p.id = b.project_id WHERE b.sha256 = ${sha256} LIMIT ${limit}`.execute(
    db,
  )
  return held.rows.map((row) => row.owner)
}

/** Those of these hashes that something refers to. */
export async function knownContent(db: Db, hashes: readonly string[]): Promise<Set<string>> {
  if (hashes.length === 0) return new Set()
  const list = sql.join([...hashes])
  const { rows } = await sql<{ sha256: string }>`
    SELECT sha256 FROM dataset_files WHERE sha256 IN (${list})
    UNION SELECT sha256 FROM code_files WHERE sha256 IN (${list})
    UNION SELECT sha256 FROM project_blobs WHERE sha256 IN (${list})
    UNION SELECT blob_sha256 FROM model_forms WHERE blob_sha256 IN (${list})`.execute(db)
  return new Set(rows.map((row) => row.sha256))
}
