import { Command } from 'commander'
import { inStore, withStore } from './store.ts'

type Options = { unreferenced: boolean; data?: string; databaseUrl?: string }

export function scrubCommand(): Command {
  return withStore(
    new Command('scrub').description(
      'Read every stored file and compare it with its checksum (works on the store directly). Ends with status 1 when one is damaged or missing.',
    ),
  )
    .option('--no-unreferenced', 'do not list files that nothing refers to')
    .action(async (options: Options) => {
      const { scrub } = await import('../../server/artifacts/scrub.service.ts')
      const sum = await inStore(options, (ctx) =>
        scrub(ctx, (finding) => {
          if (finding.state === 'unreferenced' && !options.unreferenced) return
          console.log([finding.state, `${finding.kind}/${finding.id}`, finding.why, ...finding.owners].join('\t'))
        }),
      )
      console.log(
        `${sum.checked} files (${sum.bytes} bytes) read: ${sum.damaged} damaged, ${sum.missing} missing; ${sum.unreferenced} (${sum.unreferencedBytes} bytes) unreferenced.`,
      )
      if (sum.damaged + sum.missing > 0) process.exitCode = 1
    })
}
