import { parentPort, workerData } from 'node:worker_threads'
import type { Kysely } from 'kysely'
import { openForReading } from '../../db/open.ts'
import type { Tables } from '../../db/tables.ts'
import { type Found, findRuns, type RunSearch } from './runs-search.store.ts'

/** One thread that searches, with its own connection, which cannot write: see search-threads.ts. */
export type SearchMessage = { id: number; search: RunSearch }
export type SearchAnswer = { id: number; found: Found[] } | { id: number; error: string }

const db: Kysely<Tables> = openForReading((workerData as { databaseUrl: string }).databaseUrl)

parentPort?.on('message', ({ id, search }: SearchMessage) => {
  findRuns(db, search).then(
    (found) => parentPort?.postMessage({ id, found } satisfies SearchAnswer),
    (error: unknown) => parentPort?.postMessage({ id, error: String(error) } satisfies SearchAnswer),
  )
})
parentPort?.postMessage('ready')
