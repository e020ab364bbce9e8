import { lstat } from 'node:fs/promises'
import { dirname, join, parse, resolve } from 'node:path'
import { ArtifactFolders } from './readers/artifact-folders.ts'
import { fileStoreReader } from './readers/file-store.ts'
import { openPostgresDatabase, openSqliteDatabase } from './readers/mlflow-database.store.ts'
import type { RestCredentials } from './readers/rest-client.ts'
import { restReader } from './readers/rest-reader.ts'
import { SafeFolder } from './readers/safe-folder.ts'
import { sqlReader } from './readers/sql-reader.ts'
import type { Report } from './report.ts'
import type { Reader } from './types.ts'

export type SourceOptions = {
  /** Folders that artifacts may be read from, beside the store's own. */
  artifactFolders: readonly string[]
  credentials: RestCredentials
  /** MLflow 3's workspace of a database. */
  workspace: string
}

/**
 * Opens an MLflow store: `https://…` a server, `postgresql://…` and `sqlite:///file` (or the file itself) a database, a
 * folder an `mlruns` one.
 * @throws Error with a sentence for the user
 */
export async function openSource(source: string, options: SourceOptions, report: Report): Promise<Reader> {
  if (/^https?:\/\//i.test(source)) return restReader(source, options.credentials, report)
  const folders = [...options.artifactFolders]
  if (/^postgres(ql)?(\+\w+)?:\/\//i.test(source)) {
    const roots = await openFolders(folders, report)
    return sqlReader(await openPostgresDatabase(source), new ArtifactFolders(roots, report), report, options.workspace)
  }
  const path = resolve(source.replace(/^sqlite:\/\/\//i, '').replace(/^file:\/\//i, ''))
  const info = await lstat(path).catch(() => null)
  if (info === null) throw new Error(`There is nothing at ${path}.`)
  if (!info.isFile()) return fileStoreReader(await mlrunsIn(path), await openFolders(folders, report), report)
  for (const name of ['mlruns', 'mlartifacts', `${parse(path).name}-artifacts`]) {
    const beside = join(dirname(path), name)
    if (await isFolder(beside)) folders.push(beside)
  }
  const roots = await openFolders(folders, report)
  return sqlReader(await openSqliteDatabase(path), new ArtifactFolders(roots, report), report, options.workspace)
}

async function openFolders(folders: readonly string[], report: Report): Promise<SafeFolder[]> {
  return Promise.all(
    folders.map(async (folder) => {
      const path = resolve(folder)
      if (!(await isFolder(path))) throw new Error(`There is no folder ${path}.`)
      return SafeFolder.open(path, (at, why) => report.problem(at, why))
    }),
  )
}

/** The folder itself, or the `mlruns` in it. @throws Error when neither holds an experiment */
async function mlrunsIn(path: string): Promise<string> {
  for (const folder of [path, join(path, 'mlruns')]) {
    const store = await SafeFolder.open(folder, () => {}).catch(() => null)
    if (store === null) continue
    for (const name of await store.list('folder')) {
      if (name === '.trash' || name === 'models' || (await store.inside(name, 'meta.yaml')) !== null) return folder
    }
  }
  throw new Error(`${path} holds no MLflow store: there is no experiment with a meta.yaml in it.`)
}

async function isFolder(path: string): Promise<boolean> {
  return lstat(path).then(
    (info) => info.isDirectory(),
    () => false,
  )
}
