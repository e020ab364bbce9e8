import type { Command } from 'commander'
import type { Context } from '../../context.ts'
import { LOCAL } from '../../lib/actor.ts'
import type { Report } from '../../server/moves/report.ts'
import type { Project } from '../../server/projects/projects.service.ts'
import { projectName } from '../client.ts'
import { inStore, withStore } from './store.ts'

export type MoveOptions = { project: string; data?: string; databaseUrl?: string }

/** The options of import and export. */
export function withMove(command: Command): Command {
  return withStore(command).option('--project <owner/name>', 'the project here', 'local/default')
}

/** Told again after this time at the earliest. */
const TELL_EVERY_MS = 2_000

/** Problems that are printed one by one; the number of all is. */
const PRINTED = 200

type Work = (ctx: Context, project: Project, report: Report) => Promise<string>

export const moveIn = (options: MoveOptions, work: Work) => move(options, 'import', work)
export const moveOut = (options: MoveOptions, work: Work) => move(options, 'export', work)

/**
 * Runs a move on the store with its progress on standard error and its report on standard output. When something could not
 * be moved the exit status is 2.
 */
async function move(options: MoveOptions, what: 'import' | 'export', work: Work): Promise<void> {
  const { createReport, summary } = await import('../../server/moves/report.ts')
  let toldAtMs = Date.now()
  const report = createReport((counts) => {
    if (Date.now() - toldAtMs < TELL_EVERY_MS) return
    toldAtMs = Date.now()
    console.error(`${what}: ${summary(counts)} …`)
  })
  const done = await inStore(options, async (ctx) =>
    work(ctx, await projectOf(ctx, options.project, what === 'import'), report),
  )
  for (const note of report.notes.slice(0, PRINTED)) console.log(`note: ${note}`)
  if (report.notes.length > PRINTED) console.log(`note: … and ${report.notes.length - PRINTED} more notes`)
  for (const problem of report.problems.slice(0, PRINTED)) console.log(`problem: ${problem}`)
  if (report.problems.length > PRINTED) console.log(`problem: … and ${report.problems.length - PRINTED} more problems`)
  console.log(`${what === 'import' ? 'Imported' : 'Exported'} ${summary(report.counts)} ${done}.`)
  if (report.problems.length === 0) return
  console.log(`${report.problems.length} problems: what they name is not there, or not as it was.`)
  process.exitCode = 2
}

async function projectOf(ctx: Context, text: string, make: boolean): Promise<Project> {
  const { owner, name } = projectName(text)
  const { defaultProject, DEFAULT_PROJECT, findProject } = await import('../../server/projects/projects.service.ts')
  const project = await findProject(ctx, LOCAL, owner, name)
  if (project !== null) return project
  if (make && owner === LOCAL.name && name === DEFAULT_PROJECT) return defaultProject(ctx, LOCAL)
  throw new Error(`There is no project ${owner}/${name}; make it with: trainyard projects add ${owner}/${name}`)
}
