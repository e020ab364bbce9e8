import { mkdtemp } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { readConfig } from '../../config.ts'
import { PACKAGE_ROOT } from '../../lib/package-root.ts'
import { ApiClient, ensureProject } from '../client.ts'
import { settingFlags, untilSignal, withSettings } from '../serve.ts'
import { prepareData, pushData } from './data.ts'
import { keepWatch } from './loop.ts'
import { crownChampion, deployChampion, trainCandidates } from './models.ts'
import { createNarrator } from './narrator.ts'
import type { Stage } from './stage.ts'

const PROJECT = { owner: 'local', name: 'adult-income' }

export function demoCommand(): Command {
  const command = new Command('demo').description(
    'The whole loop on the Adult data: from raw rows to an endpoint that corrects itself.',
  )
  return withSettings(command)
    .option('--exit', 'end when the story is told, instead of serving on')
    .action(async (options: Record<string, unknown>) => {
      const startedAtMs = Date.now()
      const flags = settingFlags(options)
      const wished = readConfig(flags)
      const given = flags.data !== undefined || wished.data !== readConfig({}, {}).data
      const data = given ? wished.data : await mkdtemp(join(tmpdir(), 'trainyard-demo-'))
      const port = await freePort(wished.host, wished.port)
      const logLevel = flags.logLevel ?? (wished.logLevel === 'info' ? 'error' : wished.logLevel)
      const config = readConfig({ ...flags, data, port: String(port), logLevel })
      const { ensureWebBuilt } = await import('../web-build.ts')
      await ensureWebBuilt()
      const { startServer } = await import('../../app.ts')
      const server = await startServer(config)
      console.log(`Trainyard is ready at ${server.url}`)
      console.log(`Everything of this demo lies in ${data}`)
      try {
        await tell(new ApiClient(server.url, PROJECT), startedAtMs)
        if (options.exit !== true) {
          console.log(
            `\nThe server goes on at ${server.url} – look around; Ctrl C ends it. Start it again with:\n  npm start -- --data ${data}`,
          )
          await untilSignal()
        }
      } finally {
        await server.close()
      }
    })
}

/** The story. Each chapter looks first at what is there already, so that a killed demo goes on where it was. */
async function tell(client: ApiClient, startedAtMs: number): Promise<void> {
  const narrator = createNarrator(startedAtMs)
  const page = `${client.url}/${PROJECT.owner}/${PROJECT.name}`
  const stage: Stage = { client, narrator, page, example: join(PACKAGE_ROOT, 'examples', 'adult-income') }
  await ensureProject(client)
  const raw = await pushData(stage)
  const prepared = await prepareData(stage, raw)
  const candidates = await trainCandidates(stage, prepared)
  const champion = await crownChampion(stage, candidates)
  await deployChampion(stage, prepared)
  const outcome = await keepWatch(stage, prepared)

  narrator.step('What happened')
  narrator.fact(
    `first champion    adult-income v${champion.version} (${champion.model}): accuracy ${champion.accuracy.toFixed(4)} on held-out Adult rows`,
  )
  if (outcome.newAccuracy !== null) {
    narrator.fact(
      `second champion   adult-income v${outcome.challengerVersion}: accuracy ${outcome.newAccuracy.toFixed(4)} on held-out Adult rows`,
    )
  }
  narrator.fact(`policy decision   ${outcome.state}: ${outcome.reason}`)
  for (const [name, url] of [
    ['project', page],
    ['data', `${page}/data/adult-prepared/versions/${prepared.version}`],
    ['runs', `${page}/runs`],
    ['model', `${page}/models/adult-income`],
    ['prediction form', `${page}/endpoints/income`],
    ['decision', `${page}/endpoints/income/monitoring`],
    ['catalogue', `${page}/catalogue`],
    ['STAC API', `${client.url}/api/stac`],
    ['tracking URI', `${client.url}/mlflow/${PROJECT.owner}/${PROJECT.name}/tracking/`],
    ['invocations', `${client.url}/endpoints/${PROJECT.owner}/${PROJECT.name}/income/invocations`],
  ] as const) {
    narrator.fact(`${name.padEnd(16)}  ${url}`)
  }
}

/** `port` when it can be had, else a free one: the demo must work beside whatever holds 5000 (macOS does). */
async function freePort(host: string, port: number): Promise<number> {
  const free = (candidate: number) =>
    new Promise<number | null>((resolve) => {
      const probe = createServer()
      probe.once('error', () => resolve(null))
      probe.listen(candidate, host, () => {
        const address = probe.address()
        probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : null))
      })
    })
  const found = (await free(port)) ?? (await free(0))
  if (found === null) throw new Error(`No port can be had on ${host}.`)
  return found
}
