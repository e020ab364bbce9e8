import type { Command } from 'commander'
import { readConfig } from '../../config.ts'
import type { Context } from '../../context.ts'

/** The options of the commands that work on the store itself, for first set-up and repair. */
export function withStore(command: Command): Command {
  return command
    .option('--data <folder>', 'data folder of the server (TRAINYARD_DATA)')
    .option('--database-url <url>', 'PostgreSQL instead of the SQLite file in the data folder (TRAINYARD_DATABASE_URL)')
}

/** Opens the store, runs `work`, closes it. Safe while a server runs on the same store. */
export async function inStore<T>(
  options: { data?: string; databaseUrl?: string },
  work: (ctx: Context) => Promise<T>,
): Promise<T> {
  const config = { ...readConfig({ data: options.data, databaseUrl: options.databaseUrl }), logLevel: 'warn' as const }
  const { buildContext, closeContext } = await import('../../app.ts')
  const ctx = await buildContext(config, { sweep: false })
  try {
    return await work(ctx)
  } finally {
    await closeContext(ctx)
  }
}

/** A password from standard input, without its line end. @throws when nothing came */
export async function passwordFromStdin(): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
  const password = Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '')
  if (password === '') throw new Error('--password-stdin: standard input is empty.')
  return password
}
