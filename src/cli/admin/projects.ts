import { Command, Option } from 'commander'
import { LOCAL, VISIBILITIES, type Visibility } from '../../lib/actor.ts'
import { projectName } from '../client.ts'
import { inStore, withStore } from './store.ts'

type Options = { visibility: Visibility; description?: string; data?: string; databaseUrl?: string }

export function projectsCommand(): Command {
  const projects = new Command('projects').description('Projects (works on the store directly).')
  withStore(projects.command('add').argument('<owner/name>').description('Make a project.'))
    .addOption(new Option('--visibility <visibility>', 'who may see it').choices(VISIBILITIES).default('private'))
    .option('--description <text>')
    .action(async (text: string, options: Options) => {
      const { owner, name } = projectName(text)
      const { addProject } = await import('../../server/projects/projects.service.ts')
      const { accountsExist, findUser } = await import('../../server/identity/identity.service.ts')
      await inStore(options, async (ctx) => {
        if (await accountsExist(ctx)) await findUser(ctx, owner)
        return addProject(ctx, LOCAL, {
          owner,
          name,
          visibility: options.visibility,
          description: options.description ?? '',
        })
      })
      console.log(`Project ${owner}/${name} made (${options.visibility}).`)
    })
  return projects
}
