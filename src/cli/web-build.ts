import { spawn } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { IS_CHECKOUT, PACKAGE_ROOT } from '../lib/package-root.ts'

/** Builds the web UI when this is a checkout and a source is newer than the build. An installed package carries it built. */
export async function ensureWebBuilt(): Promise<void> {
  const entry = join(PACKAGE_ROOT, 'src', 'web', 'index.html')
  if (!IS_CHECKOUT || !existsSync(entry)) return
  const built = join(PACKAGE_ROOT, 'dist', 'web', 'index.html')
  const sources = [
    join(PACKAGE_ROOT, 'src', 'web'),
    join(PACKAGE_ROOT, 'src', 'lib'),
    join(PACKAGE_ROOT, 'vite.config.ts'),
    join(PACKAGE_ROOT, 'package-lock.json'),
  ]
  if (existsSync(built) && newest(sources) <= statSync(built).mtimeMs) return
  console.log('Building the web UI …')
  await new Promise<void>((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [join(PACKAGE_ROOT, 'node_modules', 'vite', 'bin', 'vite.js'), 'build', '--logLevel', 'warn'],
      {
        cwd: PACKAGE_ROOT,
        stdio: 'inherit',
      },
    )
    child.on('error', reject)
    child.on('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`The web UI does not build (vite ended with ${code}).`)),
    )
  })
}

function newest(paths: string[]): number {
  let latest = 0
  for (const path of paths) {
    if (!existsSync(path)) continue
    const info = statSync(path)
    if (info.isDirectory()) latest = Math.max(latest, newest(readdirSync(path).map((name) => join(path, name))))
    else latest = Math.max(latest, info.mtimeMs)
  }
  return latest
}
