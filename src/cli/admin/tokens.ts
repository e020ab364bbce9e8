import { Command, Option } from 'commander'
import { TOKEN_SCOPES, type TokenScope } from '../../lib/actor.ts'
import { inStore, withStore } from './store.ts'

type Options = { user: string; scope: TokenScope; expires?: string; name: string; data?: string; databaseUrl?: string }

export function tokensCommand(): Command {
  const tokens = new Command('tokens').description('Personal access tokens (works on the store directly).')
  withStore(tokens.command('add').description('Make a token and print it alone, this once.'))
    .requiredOption('--user <name>', 'whose token')
    .addOption(new Option('--scope <scope>', 'what it may do at most').choices(TOKEN_SCOPES).default('write'))
    .option('--expires <when>', 'a duration (12h, 30d) or a date (2027-01-31); default: never')
    .option('--name <name>', 'what it is for', 'cli')
    .action(async (options: Options) => {
      const expiresAtMs = options.expires === undefined ? null : expiry(options.expires, Date.now())
      const { addToken, findUser } = await import('../../server/identity/identity.service.ts')
      const made = await inStore(options, async (ctx) => {
        const user = await findUser(ctx, options.user)
        return addToken(ctx, { userId: user.id, name: options.name, scope: options.scope, expiresAtMs })
      })
      console.log(made.token)
    })
  return tokens
}

const UNIT_MS: Record<string, number> = { m: 60_000, h: 3600_000, d: 24 * 3600_000 }

/** `12h`, `30d` or an ISO date → milliseconds since the epoch. @throws Error naming the option */
export function expiry(text: string, nowMs: number): number {
  const duration = /^(\d{1,6})([mhd])$/.exec(text)
  if (duration !== null) return nowMs + Number(duration[1]) * (UNIT_MS[duration[2] ?? ''] ?? 0)
  const date = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(date)) throw new Error(`--expires must be like 12h, 30d or 2027-01-31, got "${text}".`)
  if (date <= nowMs) throw new Error(`--expires ${text} lies in the past.`)
  return date
}
