import { randomBytes } from 'node:crypto'
import { lstat, mkdir, rename, rm } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Writer } from './export.service.ts'
import type { Report } from './report.ts'
import { FileStoreWriter } from './writers/file-store-writer.ts'
import { MLFLOW_REVISION, MLFLOW_SCHEMA } from './writers/mlflow-schema.ts'
import { createDatabase } from './writers/new-database.store.ts'
import { SqliteWriter } from './writers/sqlite-writer.ts'

export type Target = {
  /** For the last line: where it is and how MLflow is pointed at it. */
  what: string
  writer: Writer
  /** Shows the whole export at its place. */
  finish(): Promise<void>
  /** Leaves nothing behind. */
  abandon(): Promise<void>
}

/**
 * A new `mlruns` folder, or for a name that ends with `.db` (or `sqlite:///…`) a new SQLite database with its artifacts in
 * a folder beside it. Everything is written under another name first: an export that was stopped is not there.
 * @throws Error when something is at its place already
 */
export async function openTarget(target: string, artifacts: string | undefined, report: Report): Promise<Target> {
  const path = resolve(target.replace(/^sqlite:\/\/\//i, ''))
  const isDatabase = /^sqlite:/i.test(target) || /\.(db|sqlite3?)$/i.test(path)
  const beside = (name: string) => `${name}.part-${randomBytes(4).toString('hex')}`
  const part = beside(path)
  await refuseTaken(path)
  await mkdir(dirname(path), { recursive: true })
  if (!isDatabase) {
    await mkdir(part)
    return {
      what: `into the folder ${path} (MLFLOW_TRACKING_URI=${path}; MLflow 3.13 and newer want MLFLOW_ALLOW_FILE_STORE=true)`,
      writer: new FileStoreWriter(part, path, report),
      finish: () => rename(part, path),
      abandon: () => rm(part, { recursive: true, force: true }),
    }
  }
  const folder = resolve(artifacts ?? `${path.replace(/\.[^./]+$/, '')}-artifacts`)
  const folderPart = beside(folder)
  await refuseTaken(folder)
  await mkdir(folderPart, { recursive: true })
  const database = createDatabase(part, MLFLOW_SCHEMA)
  database.insert('alembic_version', { version_num: MLFLOW_REVISION })
  return {
    what: `into the database ${path}, artifacts in ${folder} (MLFLOW_TRACKING_URI=sqlite:///${path})`,
    writer: new SqliteWriter(database, folderPart, folder, report),
    async finish() {
      database.close()
      await rename(folderPart, folder)
      await rename(part, path)
    },
    async abandon() {
      database.close()
      await rm(part, { force: true })
      await rm(folderPart, { recursive: true, force: true })
    },
  }
}

async function refuseTaken(path: string): Promise<void> {
  const isThere = await lstat(path).then(
    () => true,
    () => false,
  )
  if (isThere) throw new Error(`${path} exists already; an export goes to a new place.`)
}
