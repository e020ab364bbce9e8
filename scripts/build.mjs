// Builds what the packed tarball ships: dist/ from the TypeScript sources, dist/web from the UI. Plain JavaScript, because
// `npm pack` may run it with whatever Node the machine has.
import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const node = join(root, 'node_modules', 'node', 'bin', 'node')

function run(...args) {
  const { status } = spawnSync(node, args, { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

for (const part of ['main.js', 'app.js', 'config.js', 'context.js', 'lib', 'db', 'blobs', 'http', 'server', 'cli']) {
  rmSync(join(root, 'dist', part), { recursive: true, force: true })
}
run(join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.build.json')
run(join(root, 'node_modules', 'vite', 'bin', 'vite.js'), 'build', '--logLevel', 'warn')
run(join(root, 'scripts', 'vendor.mjs'))
copyFileSync(join(root, 'src', 'fast-start.mjs'), join(root, 'dist', 'fast-start.mjs'))
chmodSync(join(root, 'dist', 'main.js'), 0o755)
