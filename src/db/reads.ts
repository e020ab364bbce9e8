import type { Db } from './dialect.ts'

/** A read that a thread can do: it finds `run` again by the module's URL and the name under which the module exports this. */
export type Read<I, O> = { module: string; name: string; run: (db: Db, input: I) => Promise<O> }

/**
 * Says that a read may be done beside the event loop (read-threads.ts). What goes in and out is copied between threads:
 * plain data, no functions. Bytes that are a field of what comes out are not copied but handed over with their whole buffer,
 * which nothing else may use.
 * @param module the `import.meta.url` of the module that exports the result under `name`; loading it must have no effects
 */
export function defineRead<I, O>(module: string, name: string, run: Read<I, O>['run']): Read<I, O> {
  return { module, name, run }
}
