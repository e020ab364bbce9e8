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

type Reads = Record<string, Read<unknown, unknown>>
/** To import a module again takes a tenth of what a page of runs does. */
const modules = new Map<string, Reads>()

async function read({ module, name, input }: ReadMessage): Promise<unknown> {
  const reads = modules.get(module) ?? ((await import(module)) as Reads)
  modules.set(module, reads)
  return reads[name]?.run(db, input)
}

/** Bytes are handed over, all else is copied. */
function bytesIn(output: unknown): ArrayBuffer[] {
  if (typeof output !== 'object' || output === null) return []
  return Object.values(output).flatMap((value) => (value instanceof Uint8Array ? [value.buffer as ArrayBuffer] : []))
}

parentPort?.on('message', (message: ReadMessage) => {
  const { id } = message
  read(message).then(
    (output) => parentPort?.postMessage({ id, output } satisfies ReadAnswer, bytesIn(output)),
    (error: unknown) => {
      const { message, code, errcode } = error instanceof Error ? (error as ReadError) : { message: String(error) }
      parentPort?.postMessage({ id, error: { message, code, errcode } } satisfies ReadAnswer)
    },
  )
})
parentPort?.postMessage('ready')
