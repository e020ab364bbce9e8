import { Command } from 'commander'
import { envName, flagName, readConfig, SETTINGS } from '../config.ts'
import { settleOnceIdle } from '../lib/settle.ts'

/** Adds the flag of every setting; the values are text and are parsed by readConfig. */
export function withSettings(command: Command): Command {
  for (const [key, setting] of Object.entries(SETTINGS)) {
    const isFlag = setting.default === 'false'
    command.option(isFlag ? `${flagName(key)} [value]` : `${flagName(key)} <value>`, `${setting.doc} (${envName(key)})`)
  }
  return command
}

/** The flags as readConfig takes them: a bare boolean flag is "true". */
export function settingFlags(options: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(options)
      .filter(([key, value]) => key in SETTINGS && value !== undefined)
      .map(([key, value]) => [key, String(value)]),
  )
}

export function serveCommand(): Command {
  const command = new Command('serve').description('Start the server and serve until a signal comes.')
  return withSettings(command).action(async (options: Record<string, unknown>) => {
    const config = readConfig(settingFlags(options))
    const { ensureWebBuilt } = await import('./web-build.ts')
    await ensureWebBuilt()
    const { startServer } = await import('../app.ts')
    const server = await startServer(config)
    console.log(`Trainyard is ready at ${server.url}`)
    settleOnceIdle(() => server.ctx.reads.start())
    await untilSignal()
    await server.close()
  })
}

/** Resolves at the first SIGINT or SIGTERM; a second one ends the process at once. */
export function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        process.once(signal, () => process.exit(130))
        resolve()
      })
    }
  })
}
