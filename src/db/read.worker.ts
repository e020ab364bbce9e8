import { parentPort, workerData } from 'node:worker_threads'
import type { Kysely } from 'kysely'
import { openForReading } from './open.ts'
import type { Read } from './reads.ts'
import type { Tables } from './tables.ts'

/** One thread that reads, with its own connection, which cannot write: see read-threads.ts. */
export type ReadMessage = { id: number; module: string; name: string; input: unknown }
/** What the engine says of an error is more than an Error keeps on its way between threads. */
export type ReadError = { message: string; code?: unknown; errcode?: unknown }
export type ReadAnswer = { id: number; output: unknown } | { id: number; error: ReadError }

const db: Kysely<Tables> = openForReading((workerData as { databaseUrl: string }).databaseUrl)

async function read({ module, name, input }: ReadMessage): Promise<unknown> {
  const exported = (await import(module)) as Record<string, Read<unknown, unknown>>
  return exported[name]?.run(db, input)
}

parentPort?.on('message', (message: ReadMessage) => {
  const { id } = message
  read(message).then(
    (output) => parentPort?.postMessage({ id, output } satisfies ReadAnswer),
    (error: unknown) => {
      const { message, code, errcode } = error instanceof Error ? (error as ReadError) : { message: String(error) }
      parentPort?.postMessage({ id, error: { message, code, errcode } } satisfies ReadAnswer)
    },
  )
})
parentPort?.postMessage('ready')
