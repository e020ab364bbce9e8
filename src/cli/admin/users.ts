import { Command } from 'commander'
import { LOCAL } from '../../lib/actor.ts'
import { inStore, passwordFromStdin, withStore } from './store.ts'

type Options = { admin?: boolean; passwordStdin?: boolean; data?: string; databaseUrl?: string }

export function usersCommand(): Command {
  const users = new Command('users').description('Accounts (works on the store directly).')
  withStore(users.command('add').argument('<name>').description('Add a user.'))
    .option('--admin', 'may manage users and see every project')
    .option('--password-stdin', 'read the password from standard input; without it the user signs in by token only')
    .action(async (name: string, options: Options) => {
      const password = options.passwordStdin === true ? await passwordFromStdin() : null
      const { addUser } = await import('../../server/identity/identity.service.ts')
      await inStore(options, (ctx) => addUser(ctx, LOCAL, { name, password, isAdmin: options.admin === true }))
      console.log(`User ${name} added${options.admin === true ? ' as administrator' : ''}.`)
    })
  withStore(
    users.command('set-password').argument('<name>').description('Set a password and end the sessions of the user.'),
  )
    .option('--password-stdin', 'read the password from standard input')
    .action(async (name: string, options: Options) => {
      const password = await passwordFromStdin()
      const { setPassword } = await import('../../server/identity/identity.service.ts')
      await inStore(options, (ctx) => setPassword(ctx, LOCAL, name, password))
      console.log(`Password of ${name} set.`)
    })
  withStore(users.command('list').description('List users.')).action(async (options: Options) => {
    const { listUsers } = await import('../../server/identity/identity.service.ts')
    for (const user of await inStore(options, listUsers))
      console.log(`${user.name}${user.is_admin === 1 ? '\tadmin' : ''}`)
  })
  return users
}
