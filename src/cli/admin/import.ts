import { Command } from 'commander'
import { readMlflowCredentials } from '../../config.ts'
import { LOCAL } from '../../lib/actor.ts'
import { type MoveOptions, moveIn, withMove } from './moves.ts'

type Options = MoveOptions & { artifacts?: string[]; workspace: string }

export function importCommand(): Command {
  const command = new Command('import').description('Bring in what is elsewhere (works on the store directly).')
  withMove(
    command
      .command('mlflow')
      .argument('<source>', 'an mlruns folder, a database (mlflow.db, postgresql://…), or a server (https://…)')
      .description('Bring an MLflow store into a project. A second time it brings only what is new.'),
  )
    .option('--artifacts <folder...>', 'folders that artifacts may be read from, beside the mlruns of the source')
    .option('--workspace <name>', 'which workspace of an MLflow 3 database', 'default')
    .action(async (source: string, options: Options) => {
      const { importStore } = await import('../../server/moves/import.service.ts')
      const { openSource } = await import('../../server/moves/open-source.ts')
      await moveIn(options, async (ctx, project, report) => {
        const reader = await openSource(
          source,
          {
            artifactFolders: options.artifacts ?? [],
            credentials: readMlflowCredentials(),
            workspace: options.workspace,
          },
          report,
        )
        try {
          await importStore(ctx, { actor: LOCAL, project, reader, report })
        } finally {
          await reader.close()
        }
        return `from ${reader.what} into ${project.owner}/${project.name}`
      })
    })
  return command
}
