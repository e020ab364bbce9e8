import { Command } from 'commander'
import { type MoveOptions, moveOut, withMove } from './moves.ts'

type Options = MoveOptions & { artifacts?: string }

export function exportCommand(): Command {
  const command = new Command('export').description('Take out what is here (works on the store directly).')
  withMove(
    command
      .command('mlflow')
      .argument('<target>', 'a new mlruns folder, or a new database (out.db)')
      .description('Write a project as a store that MLflow reads.'),
  )
    .option('--artifacts <folder>', 'new folder for the files of a database; default: beside it')
    .action(async (target: string, options: Options) => {
      const { exportStore } = await import('../../server/moves/export.service.ts')
      const { openTarget } = await import('../../server/moves/open-target.ts')
      const { projectReader } = await import('../../server/moves/project-reader.service.ts')
      await moveOut(options, async (ctx, project, report) => {
        const { what, writer, finish, abandon } = await openTarget(target, options.artifacts, report)
        try {
          await exportStore(projectReader(ctx, project), writer, report)
          await finish()
        } catch (error) {
          await abandon()
          throw error
        }
        return `of ${project.owner}/${project.name} ${what}`
      })
    })
  return command
}
