import { parentPort, workerData } from 'node:worker_threads'
import { AppError, type ErrorCode } from '../lib/errors.ts'
import { type Batching, inBatch } from './batch.ts'
import { openDatabase } from './open.ts'
import type { BatchedWrite, WriteTx } from './writes.ts'

/** The thread that writes, with its own connection: see write-thread.ts. */
export type WriteMessage = { nowMs: number; items: { id: number; module: string; name: string; item: unknown }[] }
/** What an Error loses on its way between threads: what the engine said, or what the caller is told. */
export type PlainError =
  | ({ kind: 'engine' } & EngineError)
  | { kind: 'app'; message: string; code: ErrorCode; field?: string; retryAfterSeconds?: number }
type EngineError = { message: string; code?: unknown; errcode?: unknown }
export type PlainOutcome = { id: number; value: unknown } | { id: number; error: PlainError }
/** `poked`: the live stream has something to tell. */
export type WriteAnswer = { outcomes: PlainOutcome[]; poked: boolean }
export type WriterData = { databaseUrl: string; module: string }

const { databaseUrl, module: first } = workerData as WriterData

let nowMs = 0
let answer: WriteAnswer = { outcomes: [], poked: false }
const ctx: Batching = {
  db: openDatabase(databaseUrl),
  now: () => nowMs,
  bus: {
    poke() {
      answer.poked = true
    },
  },
  inHalves: true,
}

/** What one commit settles goes back in one message. */
function settle(outcome: PlainOutcome): void {
  // Before the next commit begins, which lets nothing else happen here.
  if (answer.outcomes.length === 0) process.nextTick(send)
  answer.outcomes.push(outcome)
}

function send(): void {
  parentPort?.postMessage(answer)
  answer = { outcomes: [], poked: false }
}

parentPort?.on('message', ({ nowMs: asked, items }: WriteMessage) => {
  nowMs = asked
  for (const { id, module, name, item } of items) {
    writeOf(module, name)
      .then((write) => inBatch(ctx, item, write))
      .then(
        (value) => settle({ id, value }),
        (error: unknown) => settle({ id, error: plainError(error) }),
      )
  }
})

type Writes = Record<string, BatchedWrite<WriteTx, unknown, unknown>>
/** To import a module again takes a tenth of what an item does. */
const modules = new Map<string, Writes>()

async function writeOf(module: string, name: string) {
  const writes = modules.get(module) ?? ((await import(module)) as Writes)
  modules.set(module, writes)
  return writes[name] as Writes[string]
}

function plainError(error: unknown): PlainError {
  if (!(error instanceof AppError)) {
    const said = error instanceof Error ? (error as EngineError) : { message: String(error) }
    return { kind: 'engine', message: said.message, code: said.code, errcode: said.errcode }
  }
  const { message, code, field, retryAfterSeconds } = error
  return {
    kind: 'app',
    message,
    code,
    ...(field === undefined ? {} : { field }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  }
}

await import(first)
parentPort?.postMessage('ready')
