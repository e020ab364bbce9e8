import { Argument, Command } from 'commander'
import { LOCAL, ROLES, type Role } from '../../lib/actor.ts'
import { projectName } from '../client.ts'
import { inStore, withStore } from './store.ts'

type Options = { data?: string; databaseUrl?: string }

export function membersCommand(): Command {
  const members = new Command('members').description('Members of projects (works on the store directly).')
  withStore(
    members
      .command('set')
      .argument('<owner/name>')
      .argument('<user>')
      .addArgument(new Argument('<role>').choices(ROLES)),
  )
    .description('Give a user a role in a project.')
    .action(async (text: string, user: string, role: Role, options: Options) => {
      const { owner, name } = projectName(text)
      const { findProject, setMember } = await import('../../server/projects/projects.service.ts')
      await inStore(options, async (ctx) => {
        const project = await findProject(ctx, LOCAL, owner, name)
        if (project === null) throw new Error(`There is no project ${owner}/${name}.`)
        await setMember(ctx, LOCAL, project, user, role)
      })
      console.log(`${user} is now ${role} of ${owner}/${name}.`)
    })
  return members
}
