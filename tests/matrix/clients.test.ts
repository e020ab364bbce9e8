import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../../bench/tracking/servers.ts'
import { clientPython, type Door, oneAhead, runClient, type Site, startSite } from './flavours/harness.ts'

/** Clients that people have, each with the libraries that install beside it: flavours/client-<version>.txt. */
const VERSIONS = ['2.10.0', '2.14.2', '2.22.1', '3.17.2']

/** What autolog must have left of each flavour's training; null where MLflow has no autolog for it. */
const AUTOLOG = {
  sklearn: { points: null, model: true },
  pytorch: { points: 12, state: true },
  lightning: { points: 3, model: true },
  tensorflow: { points: 3, model: true },
  keras: { points: 4, model: true },
  xgboost: { points: 7, model: true },
  lightgbm: { points: 7, model: true },
  onnx: null,
}
const FLAVOURS = Object.keys(AUTOLOG) as (keyof typeof AUTOLOG)[]
const LOADED_BY = { runs: true, version: true, alias: true, latest: true, uri: true }
const CLASSIC = {
  status: 'FINISHED',
  name: 'classic',
  loss: 0.2,
  history: [0, 1, 2, 3, 4],
  autologged: '500',
  equal: [true, true],
  config: { a: 1 },
  found: 1,
}
const TOOLS = {
  evaluate: {
    classifier: { metric: true, plots: true, inputs: true },
    regressor: { metric: true, plots: false, inputs: true }, // MLflow draws none for regressors
  },
  run: { status: 'FINISHED', alpha: '0.25', doubled: 0.5, entry: 'main', backend: 'local', files: ['note.txt'] },
  serve: { ping: 200, equal: true },
  artifacts: {
    listed: ['notes'],
    printed: true,
    run: ['a b.txt', 'ü.txt'],
    runs_uri: ['a b.txt'],
    proxy_uri: ['a b.txt', 'ü.txt'],
    model: true,
  },
}

let site: Site
let folder: string
const over = new AbortController()
beforeAll(async () => {
  site = await startSite()
  folder = await mkdtemp(join(tmpdir(), 'trainyard-matrix-'))
})
afterAll(async () => {
  over.abort()
  await site.close()
  await rm(folder, { recursive: true, force: true })
})

describe.each(VERSIONS.map((version, index) => ({ version, index })))('mlflow $version', ({ version, index }) => {
  let python: string
  let doors: Door[]
  beforeAll(async () => {
    doors = await site.doorsOf(version)
    python = await clientPython(version)
  })

  // Each script at another door, and at another one for each client: all doors see all clients, in the time of one.
  const doorOf = (script: number): Door => {
    const door = doors[(script + 2 * index) % doors.length]
    if (door === undefined) throw new Error('There are no doors.')
    return door
  }
  const name = (what: string) => `${what}-${version}`
  const job = oneAhead([
    () => runClient(python, 'classic.py', [name('classic'), JSON.stringify(doors)], null, over.signal),
    async () => {
      const args = [name('tools'), join(folder, version), String(await freePort())]
      return runClient(python, 'tools.py', args, doorOf(FLAVOURS.length), over.signal)
    },
    ...FLAVOURS.map(
      (flavour, i) => () => runClient(python, `flavour_${flavour}.py`, [name(flavour)], doorOf(i), over.signal),
    ),
  ])

  it('lives the classic life at every door', async () => {
    expect(await job(0)).toEqual({
      mlflow: version,
      doors: doors.map((_, i) => ({ ...CLASSIC, models: [`classic-${version}-${i}-model`] })),
    })
  })

  it('evaluates, runs projects, serves models and downloads artifacts by its command line', async () => {
    expect(await job(1)).toEqual({ mlflow: version, ...TOOLS })
  })

  it.each(FLAVOURS.map((flavour, i) => ({ flavour, i })))(
    'keeps and loads models of $flavour',
    async ({ flavour, i }) => {
      const left = AUTOLOG[flavour]
      expect(await job(2 + i)).toEqual({
        flavour,
        mlflow: version,
        autolog: left === null ? null : { status: 'FINISHED', params: true, metrics: true, ...left },
        equal: LOADED_BY,
        version: ['1', true, 'READY'],
      })
    },
  )
})
