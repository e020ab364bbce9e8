import { Command } from 'commander'
import { SYSTEM } from '../../lib/actor.ts'
import type { ReclaimReport, SweptKind } from '../../server/recycling/reclaim.service.ts'
import { inStore, withStore } from './store.ts'

type Options = { dryRun?: boolean; grace: string; json?: boolean; data?: string; databaseUrl?: string }

const UNIT_MS: Record<string, number> = { m: 60_000, h: 3600_000, d: 24 * 3600_000 }

/** `30m`, `24h`, `7d` → milliseconds. @throws Error naming the option */
function graceMs(text: string): number {
  const [, count = '', unit = ''] = /^(\d{1,6})([mhd])$/.exec(text) ?? []
  const unitMs = UNIT_MS[unit]
  if (unitMs === undefined) throw new Error(`--grace must be like 30m, 24h or 7d, got "${text}".`)
  return Number(count) * unitMs
}

export function reclaimCommand(): Command {
  return withStore(new Command('reclaim'))
    .description('Remove the bytes that nothing uses any more (works on the store directly, also beside a server).')
    .option('--dry-run', 'count, and change nothing')
    .option('--grace <time>', 'what is younger stays, used or not', '24h')
    .option('--json', 'the report as JSON')
    .action(async (options: Options) => {
      const grace = graceMs(options.grace)
      const dryRun = options.dryRun === true
      const { reclaim } = await import('../../server/recycling/reclaim.service.ts')
      const report = await inStore(options, (ctx) => reclaim(ctx, SYSTEM, { dryRun, graceMs: grace }))
      console.log(options.json === true ? JSON.stringify(report) : text(report, dryRun))
    })
}

function text(report: ReclaimReport, dryRun: boolean): string {
  const missing = report.content.missingBlobs + report.objects.missingBlobs
  return [
    line('Dataset files, code, ONNX forms', report.content, dryRun),
    line('Artifacts', report.objects, dryRun),
    ...(report.leftovers > 0 ? [`Leftovers of broken uploads: ${report.leftovers} removed.`] : []),
    ...(missing > 0 ? [`${missing} blobs that are used are not there: their bytes were lost.`] : []),
  ].join('\n')
}

function line(name: string, swept: SweptKind, dryRun: boolean): string {
  const free = `${swept.unreferencedBlobs} ${dryRun ? 'would be removed' : 'removed'} (${swept.unreferencedBytes} bytes)`
  const young = swept.youngBlobs === 0 ? '' : `, ${swept.youngBlobs} too young (${swept.youngBytes} bytes)`
  return `${name}: ${swept.referencedBlobs} used (${swept.referencedBytes} bytes), ${free}${young}.`
}
