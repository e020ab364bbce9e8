import { type Selectable, sql } from 'kysely'
import { type Db, inChunks, keepRows } from '../../db/dialect.ts'
import type { ArtifactEntriesTable } from '../../db/tables/artifacts.ts'

export type EntryRow = Selectable<ArtifactEntriesTable>
/** Where an entry lies: `folder` is the path above it. */
export type Place = { folder: string; name: string }

/**
 * Makes the folders that are not there yet, and keeps all of them until this transaction ends.
 * @returns their rows, also of a file that stands in the place of one; fewer when one was deleted meanwhile: try again
 */
export async function holdFolders(db: Db, projectId: string, folders: Place[], nowMs: number): Promise<EntryRow[]> {
  if (folders.length === 0) return []
  const found = await heldEntries(db, projectId, folders)
  if (found.length === folders.length) return found
  await db
    .insertInto('artifact_entries')
    .values(
      folders.map((place) => ({
        ...place,
        project_id: projectId,
        object_id: null,
        size_bytes: 0,
        sha256: null,
        modified_at_ms: nowMs,
      })),
    )
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  return heldEntries(db, projectId, folders)
}

/** Those of these entries that exist; they stay until this transaction ends. */
async function heldEntries(db: Db, projectId: string, places: Place[]): Promise<EntryRow[]> {
  return db
    .selectFrom('artifact_entries')
    .selectAll()
    .where('project_id', '=', projectId)
    .where((eb) => eb.or(places.map(({ folder, name }) => eb.and({ folder, name }))))
    .modifyEnd(keepRows(db))
    .execute()
}

export async function entryAt(db: Db, projectId: string, place: Place): Promise<EntryRow | undefined> {
  return db
    .selectFrom('artifact_entries')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('folder', '=', place.folder)
    .where('name', '=', place.name)
    .executeTakeFirst()
}

/**
 * Writes a file's row over that of an older file.
 * @returns the row that it replaced; false when a folder stands there, and nothing was written
 */
export async function putFileRow(db: Db, row: EntryRow): Promise<EntryRow | null | false> {
  const before = await entryAt(db, row.project_id, row)
  const result = await db
    .insertInto('artifact_entries')
    .values(row)
    .onConflict((conflict) =>
      conflict
        .columns(['project_id', 'folder', 'name'])
        .doUpdateSet({
          object_id: row.object_id,
          size_bytes: row.size_bytes,
          sha256: row.sha256,
          modified_at_ms: row.modified_at_ms,
        })
        .where('artifact_entries.object_id', 'is not', null),
    )
    .executeTakeFirst()
  if (Number(result.numInsertedOrUpdatedRows ?? 0) === 0) return false
  return before ?? null
}

/** Direct children by name; `after`: the last name of the page before. */
export async function childrenOf(
  db: Db,
  projectId: string,
  folder: string,
  page: { after: string | null; limit: number },
): Promise<EntryRow[]> {
  return db
    .selectFrom('artifact_entries')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('folder', '=', folder)
    .$if(page.after !== null, (query) => query.where('name', '>', page.after ?? ''))
    .orderBy('name')
    .limit(page.limit)
    .execute()
}

/** Files directly in a folder by name; `after`: the last name of the page before. */
export async function filesIn(
  db: Db,
  projectId: string,
  folder: string,
  page: { after: string | null; limit: number },
): Promise<EntryRow[]> {
  return db
    .selectFrom('artifact_entries')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('folder', '=', folder)
    .where('object_id', 'is not', null)
    .$if(page.after !== null, (query) => query.where('name', '>', page.after ?? ''))
    .orderBy('name')
    .limit(page.limit)
    .execute()
}

/** Files in the folders below a folder, in the order of (folder, name); `after`: the last one of the page before. */
export async function filesDeeper(
  db: Db,
  projectId: string,
  folder: string,
  page: { after: Place | null; limit: number },
): Promise<EntryRow[]> {
  const [from, to] = below(folder)
  const { after } = page
  return db
    .selectFrom('artifact_entries')
    .selectAll()
    .where('project_id', '=', projectId)
    .where('folder', '>=', from)
    .where('object_id', 'is not', null)
    .$if(to !== null, (query) => query.where('folder', '<', to ?? ''))
    .$if(after !== null, (query) =>
      query.where(sql<boolean>`(folder, name) > (${after?.folder ?? ''}, ${after?.name ?? ''})`),
    )
    .orderBy('folder')
    .orderBy('name')
    .limit(page.limit)
    .execute()
}

/** The folders below a folder are those from the first of these on and before the second: `0` follows `/`. */
function below(folder: string): [string, string | null] {
  return folder === '' ? ['\u0001', null] : [`${folder}/`, `${folder}0`]
}

/** Removes an entry and all below it. @returns the objects that the files had */
export async function deleteTree(db: Db, projectId: string, place: Place): Promise<string[]> {
  const path = place.folder === '' ? place.name : `${place.folder}/${place.name}`
  const [from, to] = below(path)
  const all = db.deleteFrom('artifact_entries').where('project_id', '=', projectId).returning('object_id')
  // The entry first: whoever writes below it holds it, and is waited for (PostgreSQL); what they wrote goes with it.
  const own = await all.where('folder', '=', place.folder).where('name', '=', place.name).execute()
  const children = await all.where('folder', '=', path).execute()
  const deeper = await all
    .where('folder', '>=', from)
    .where('folder', '<', to ?? '')
    .execute()
  return [...own, ...children, ...deeper].flatMap((row) => row.object_id ?? [])
}

/** Those of these objects that no file has. */
export async function unreferenced(db: Db, objectIds: readonly string[]): Promise<string[]> {
  const used = new Set<string | null>()
  await inChunks(objectIds, 1, async (chunk) => {
    const rows = await db.selectFrom('artifact_entries').select('object_id').where('object_id', 'in', chunk).execute()
    for (const row of rows) used.add(row.object_id)
  })
  return objectIds.filter((id) => !used.has(id))
}

/** A file that has this object. */
export async function entryOfObject(db: Db, objectId: string): Promise<EntryRow | undefined> {
  return db.selectFrom('artifact_entries').selectAll().where('object_id', '=', objectId).limit(1).executeTakeFirst()
}

/** Notes the checksum of a file whose bytes were read later, unless it was written again meanwhile. */
export async function setChecksum(db: Db, objectId: string, sha256: string): Promise<void> {
  await db.updateTable('artifact_entries').set({ sha256 }).where('object_id', '=', objectId).execute()
}

/** Every file of every project with its owner's name, in the order of the primary key; for a scrub. */
export async function allFiles(
  db: Db,
  page: { after: (Place & { project_id: string }) | null; limit: number },
): Promise<(EntryRow & { project: string })[]> {
  const { after } = page
  return db
    .selectFrom('artifact_entries as entry')
    .innerJoin('projects', 'projects.id', 'entry.project_id')
    .selectAll('entry')
    .select(sql<string>`projects.owner || '/' || projects.name`.as('project'))
    .where('entry.object_id', 'is not', null)
    .$if(after !== null, (query) =>
      query.where(
        sql<boolean>`(entry.project_id, entry.folder, entry.name) > (${after?.project_id}, ${after?.folder}, ${after?.name})`,
      ),
    )
    .orderBy('entry.project_id')
    .orderBy('entry.folder')
    .orderBy('entry.name')
    .limit(page.limit)
    .execute()
}

export async function projectExists(db: Db, projectId: string): Promise<boolean> {
  return (await db.selectFrom('projects').select('id').where('id', '=', projectId).executeTakeFirst()) !== undefined
}
