import { Command } from 'commander'
import { errorMessage } from '../lib/errors.ts'
import { exportCommand } from './admin/export.ts'
import { importCommand } from './admin/import.ts'
import { membersCommand } from './admin/members.ts'
import { projectsCommand } from './admin/projects.ts'
import { reclaimCommand } from './admin/reclaim.ts'
import { scrubCommand } from './admin/scrub.ts'
import { tokensCommand } from './admin/tokens.ts'
import { usersCommand } from './admin/users.ts'
import { datasetCommand } from './dataset.ts'
import { demoCommand } from './demo/demo.ts'
import { deployCommand } from './deploy.ts'
import { predictCommand } from './predict.ts'
import { runCommand } from './run.ts'
import { serveCommand } from './serve.ts'

/** Parses the command line and runs one command; a failure prints one sentence and ends with status 1. */
export async function main(argv: string[], version: string): Promise<void> {
  const program = new Command('trainyard')
    .description('One program that carries a model through its whole life.')
    .version(version)
    // Or `deploy --version 1` would print the program's version.
    .enablePositionalOptions()
    .showHelpAfterError('(add --help for the options)')
  for (const command of [
    serveCommand(),
    demoCommand(),
    datasetCommand(),
    runCommand(),
    deployCommand(),
    predictCommand(),
    usersCommand(),
    tokensCommand(),
    projectsCommand(),
    membersCommand(),
    reclaimCommand(),
    scrubCommand(),
    importCommand(),
    exportCommand(),
  ]) {
    program.addCommand(command)
  }
  try {
    await program.parseAsync(argv)
  } catch (error) {
    console.error(`trainyard: ${errorMessage(error)}`)
    process.exitCode = 1
  }
}
