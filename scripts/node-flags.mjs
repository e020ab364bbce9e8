// How Node is started for Trainyard. The young generation is kept small: starting up fills whatever it may grow to, and an
// idle server gives little of it back (measured: 8 MiB leave 127 MiB resident, 16 leave 132, 32 up to 141); but with 8 a
// request takes 5 % more of a processor than with 16. The
// collector is made callable for src/lib/young-generation.ts (measured: half the processor time of an upload or download).
export const NODE_FLAGS = [
  '--disable-warning=ExperimentalWarning',
  '--max-semi-space-size=16',
  '--expose-gc',
  `--import=${new URL('../src/fast-start.mjs', import.meta.url).href}`,
]
