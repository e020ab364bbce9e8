import type { ApiClient } from '../client.ts'
import { ApiError } from '../client.ts'
import type { Narrator } from './narrator.ts'

/** What every chapter of the demo works with. */
export type Stage = {
  client: ApiClient
  narrator: Narrator
  /** URL of the project's pages. */
  page: string
  /** Folder of examples/adult-income. */
  example: string
}

/** Asks again until `done` gives a value; says what is awaited. @throws after `timeoutMs` */
export async function until<T>(
  stage: Stage,
  what: string,
  done: () => Promise<T | null>,
  timeoutMs = 300_000,
): Promise<T> {
  for (const startedAtMs = Date.now(); Date.now() - startedAtMs < timeoutMs; ) {
    const value = await done()
    if (value !== null) return value
    stage.narrator.waiting(what)
    await new Promise((resolve) => setTimeout(resolve, 400))
  }
  throw new Error(`Waited ${timeoutMs / 1000} s in vain: ${what}.`)
}

/** The answer, or null when the thing does not exist. */
export async function orNull<T>(call: Promise<T>): Promise<T | null> {
  return call.catch((error: unknown) => {
    if (error instanceof ApiError && error.status === 404) return null
    throw error
  })
}
