import { defineConfig } from 'vitest/config'

/** The same files on both engines; what needs Python or a browser runs once, on SQLite. scripts/test.ts drives it all. */
const common = {
  pool: 'forks' as const,
  testTimeout: 20_000,
  hookTimeout: 60_000,
  fileParallelism: true,
  maxWorkers: 2,
}
const rooms = ['src/**/*.test.ts', 'tests/*.test.ts', 'tests/security/*.test.ts']

export default defineConfig({
  test: {
    ...common,
    projects: [
      { test: { ...common, name: 'sqlite', include: rooms, env: { TRAINYARD_TEST_ENGINE: 'sqlite' } } },
      { test: { ...common, name: 'postgres', include: rooms, env: { TRAINYARD_TEST_ENGINE: 'postgres' } } },
      {
        test: {
          ...common,
          name: 'compat',
          include: ['tests/compat/*.test.ts'],
          testTimeout: 240_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          ...common,
          name: 'matrix',
          include: ['tests/matrix/*.test.ts'],
          testTimeout: 900_000,
          hookTimeout: 900_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          ...common,
          name: 'e2e',
          include: ['tests/e2e/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
