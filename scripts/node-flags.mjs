// How Node is started for Trainyard. The young generation is kept small: starting up fills whatever it may grow to, and an
// idle server never gives it back (measured: 204 MiB resident with Node's default, 153 with this; start as fast). The
// collector is made callable for src/lib/young-generation.ts (measured: half the processor time of an upload or download).
export const NODE_FLAGS = [
  '--disable-warning=ExperimentalWarning',
  '--max-semi-space-size=8',
  '--expose-gc',
  `--import=${new URL('../src/fast-start.mjs', import.meta.url).href}`,
]
