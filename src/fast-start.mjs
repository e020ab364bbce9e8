// Plain JavaScript, loaded before any other file of ours (`--import` in scripts/node-flags.mjs, first line of main.ts in the
// package). What it does, it does to be ready sooner and to stay smaller; without it everything works as well.
import { existsSync, lstatSync, mkdirSync, realpathSync } from 'node:fs'
import { enableCompileCache, registerHooks } from 'node:module'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

// Node takes what it compiled, and the sources whose types it stripped, from a folder: the stripper itself, 20 MB of memory,
// is loaded by the first start only.
const folder = safeFolder()
if (folder !== null) enableCompileCache(folder)

// Kysely's 255 files as the one that scripts/vendor.mjs made of them: 75 ms less.
const kysely = new URL('../dist/vendor/kysely.js', import.meta.url)
if (existsSync(kysely)) {
  registerHooks({
    resolve: (name, context, next) =>
      name === 'kysely' ? { url: kysely.href, format: 'module', shortCircuit: true } : next(name, context),
  })
}

/** Null where there is none that only this user (or root) can change: what lies there is executed. */
function safeFolder() {
  try {
    const home = realpathSync(homedir())
    const folder = join(home, '.cache', 'trainyard', 'compiled')
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const user = process.getuid?.()
    for (let part = folder; part.length >= home.length && part !== '/'; part = dirname(part)) {
      const info = lstatSync(part)
      const isOurs = user === undefined || ([user, 0].includes(info.uid) && (info.mode & 0o022) === 0)
      if (!info.isDirectory() || !isOurs) return null
    }
    return folder
  } catch {
    return null
  }
}
