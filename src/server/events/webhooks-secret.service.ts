import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dataFolder } from '../../config.ts'
import type { Context } from '../../context.ts'
import { newSecret } from '../../lib/ids.ts'
import { seal, unseal } from '../../lib/sealed.ts'

/** Seals a webhook's secret for the database; no secret, or an empty one, is null. Reads a file: not inside a transaction. */
export async function sealSecret(ctx: Context, secret: string | undefined): Promise<string | null> {
  return secret === undefined || secret === '' ? null : seal(secret, await secretKey(ctx))
}

/** The secret that was sealed. @throws Error with the way out when the server's key is another one by now */
export async function unsealSecret(ctx: Context, sealed: string): Promise<string> {
  const secret = unseal(sealed, await secretKey(ctx))
  if (secret === null)
    throw new Error("The secret cannot be read: the server's secret key was changed. Set the webhook's secret again.")
  return secret
}

/** The setting `secret-key`, else a key of the data folder, made when it is first needed. A copy of the database opens nothing. */
async function secretKey(ctx: Context): Promise<string> {
  if (ctx.config.secretKey !== '') return ctx.config.secretKey
  const path = dataFolder(ctx.config, 'secret.key')
  await mkdir(dataFolder(ctx.config), { recursive: true })
  try {
    await writeFile(path, newSecret(), { flag: 'wx', mode: 0o600, flush: true })
  } catch (error) {
    if ((error as { code?: string }).code !== 'EEXIST') throw error
  }
  return readFile(path, 'utf8')
}
