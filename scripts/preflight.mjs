// Plain JavaScript on purpose: it must run on whatever Node the machine has, and hand over to the
// pinned one (the npm package `node`) or say clearly what is missing. See docs/decisions/0002.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { NODE_FLAGS } from './node-flags.mjs'

const REQUIRED_MAJOR = 24
const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const pinned = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
const current = Number(process.versions.node.split('.')[0])
const node = existsSync(pinned) ? pinned : process.execPath

if (node === process.execPath && current < REQUIRED_MAJOR) {
  console.error(
    `Trainyard needs Node ${REQUIRED_MAJOR} or newer and this is ${process.versions.node}.\n` +
      'Run `npm ci` (without --ignore-scripts): it installs the pinned Node as a dependency.',
  )
  process.exit(1)
}

const [script, ...args] = process.argv.slice(2)
const child = spawn(node, [...NODE_FLAGS, join(root, script), ...args], {
  stdio: 'inherit',
  // npm runs scripts in the package's folder; a path on the command line means where it was typed.
  cwd: process.env.INIT_CWD ?? process.cwd(),
  env: { ...process.env, PATH: `${dirname(node)}:${process.env.PATH ?? ''}` },
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 143)))
