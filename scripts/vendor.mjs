// Makes dist/vendor/kysely.js, the whole of Kysely in one file, which src/fast-start.mjs puts in its place. Run by `npm ci`
// (`prepare`) and by the build of the package. Plain JavaScript: any Node may run it, and hands over to the pinned one.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const node = join(root, 'node_modules', 'node', 'bin', 'node')
const kysely = join(root, 'node_modules', 'kysely')

if (!existsSync(node) || !existsSync(join(root, 'node_modules', 'vite'))) {
  // `npm ci --ignore-scripts`, or without the development's packages: the server then loads Kysely's own files.
} else if (Number(process.versions.node.split('.')[0]) < 24) {
  process.exit(spawnSync(node, [fileURLToPath(import.meta.url)], { stdio: 'inherit' }).status ?? 1)
} else {
  const { build } = await import('vite')
  const { version } = JSON.parse(readFileSync(join(kysely, 'package.json'), 'utf8'))
  await build({
    configFile: false,
    logLevel: 'warn',
    ssr: { noExternal: true },
    build: {
      ssr: join(kysely, 'dist', 'index.js'),
      outDir: join(root, 'dist', 'vendor'),
      minify: false,
      rolldownOptions: {
        output: {
          entryFileNames: 'kysely.js',
          banner: `/*! kysely ${version}, MIT licence: node_modules/kysely/LICENSE */`,
        },
      },
    },
  })
}
