import { Readable } from 'node:stream'
import { type Context, inTransaction } from '../../src/context.ts'
import { LOCAL } from '../../src/lib/actor.ts'
import { AppError } from '../../src/lib/errors.ts'
import { openArtifact, putArtifact, removeArtifacts } from '../../src/server/artifacts/artifacts.service.ts'
import { missingContent, storeContent } from '../../src/server/datasets/content.service.ts'
import { deleteDataset, deleteDatasetVersion } from '../../src/server/datasets/datasets.service.ts'
import { addVersion } from '../../src/server/datasets/versions.service.ts'
import type { Project } from '../../src/server/projects/projects.service.ts'
import { listBin, restore } from '../../src/server/recycling/bin.service.ts'
import { deleteForEver } from '../../src/server/recycling/purge.service.ts'
import { aboutToBeSwept } from '../../src/server/recycling/references.service.ts'
import { copyVersion } from '../../src/server/registry/copies.service.ts'
import { deleteModel } from '../../src/server/registry/models.service.ts'
import { createModelVersion } from '../../src/server/registry/versions.service.ts'
import { deleteExperiment } from '../../src/server/tracking/experiment-changes.service.ts'
import { createExperiment } from '../../src/server/tracking/experiments.service.ts'
import { createLoggedModel, deleteLoggedModel } from '../../src/server/tracking/logged-models.service.ts'
import { createRun } from '../../src/server/tracking/run-starts.service.ts'
import { deleteRun } from '../../src/server/tracking/runs.service.ts'
import { addCode } from '../../src/server/training/code.service.ts'
import { sha256 } from './datasets.ts'
import type { seeded } from './store-model.ts'

export const stream = (text: string) => Readable.from([Buffer.from(text)])

/** A refusal is an outcome like any other; only a failure ends the test. */
export async function attempt(work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof AppError) || (error.status >= 500 && error.code !== 'unavailable')) throw error
  }
}

/** Everything that writes, deletes, brings back or removes bytes, on things drawn at random. */
export function actions(
  ctx: Context,
  random: ReturnType<typeof seeded>,
  projects: Project[],
): (() => Promise<unknown>)[] {
  const names = ['a.bin', 'b.bin', 'deep/c.bin']
  const text = () => `content ${random.below(12)}`
  const project = () => random.one(projects) as Project
  const pick = async (table: 'runs' | 'logged_models', of: Project) =>
    random.one(
      await ctx.db
        .selectFrom(table)
        .select(['id', 'artifact_uri'])
        .where('project_id', '=', of.id)
        .orderBy('id')
        .execute(),
    )
  const named = async (table: 'datasets' | 'registered_models', of: Project) =>
    random.one(
      await ctx.db
        .selectFrom(table)
        .select('name')
        .where('project_id', '=', of.id)
        .where('deleted_at_ms', 'is', null)
        .orderBy('name')
        .execute(),
    )?.name ?? 'none'
  const experiment = async (of: Project) => {
    const rows = ctx.db
      .selectFrom('experiments')
      .select('id')
      .where('project_id', '=', of.id)
      .where('is_default', '=', 0)
    return String(random.one(await rows.orderBy('id').execute())?.id ?? 0)
  }
  const write = async (table: 'runs' | 'logged_models') => {
    const of = project()
    const owner = await pick(table, of)
    if (owner === undefined) return
    const path = `${owner.artifact_uri.replace('mlflow-artifacts:/', '')}/${random.one(names)}`
    await putArtifact(ctx, of, path, stream(text()))
  }
  const push = async () => {
    const of = project()
    const contents = [text(), text()]
    for (const content of contents) await storeContent(ctx, of, stream(content), sha256(content))
    const files = contents.map((content, i) => ({
      path: `${i}.bin`,
      sha256: sha256(content),
      sizeBytes: Buffer.byteLength(content),
    }))
    if (random.below(5) === 0) await addCode(ctx, LOCAL, of, files)
    else await addVersion(ctx, LOCAL, of, { dataset: `set-${random.below(3)}`, files })
  }
  const fromBin = async (then: 'restore' | 'purge') => {
    const of = project()
    const item = random.one((await listBin(ctx, of.id, { limit: 100 })).items)
    if (item === undefined) return
    if (then === 'restore') await restore(ctx, LOCAL, of, item.kind, item.id)
    else await deleteForEver(ctx, LOCAL, of, item.kind, item.id)
  }
  return [
    () => write('runs'),
    () => write('runs'),
    () => write('logged_models'),
    push,
    push,
    () => storeContent(ctx, project(), stream(text())), // and never used
    async () => missingContent(ctx, project().id, [sha256(text())]),
    async () => {
      const of = project()
      await createRun(ctx, LOCAL, of, { experimentId: await experiment(of) })
    },
    async () => {
      const of = project()
      const run = await pick('runs', of)
      await createLoggedModel(ctx, LOCAL, of, {
        experimentId: await experiment(of),
        ...(run === undefined ? {} : { sourceRunId: run.id }),
      })
    },
    async () => {
      const from = project()
      const model = await named('registered_models', from)
      const source = { project: `${from.owner}/${from.name}`, model, version: 1 + random.below(3) }
      await copyVersion(ctx, LOCAL, project(), `m-${random.below(2)}`, source)
    },
    async () => createExperiment(ctx, LOCAL, project(), { name: `e-${random.below(4)}` }),
    async () => {
      const of = project()
      const run = await pick('runs', of)
      if (run === undefined) return
      const source = `${run.artifact_uri}/deep`
      const name = `m-${random.below(2)}`
      const version = await createModelVersion(ctx, LOCAL, of, { name, source, runId: run.id, createModel: true })
      const form = await ctx.blobs.putContent(stream(text()), { limitBytes: 1_000 })
      await inTransaction(ctx, async (tx) => {
        if (await aboutToBeSwept(tx, 'content', [form.sha256])) throw new AppError('unavailable', 'swept')
        await tx.db
          .insertInto('model_forms')
          .values({
            id: version.id,
            version_id: version.id,
            project_id: of.id,
            kind: 'onnx',
            state: 'ready',
            job_id: null,
            attempts: 1,
            blob_sha256: form.sha256,
            size_bytes: form.sizeBytes,
            report: null,
            reason: null,
            created_at_ms: 0,
            updated_at_ms: 0,
          })
          .execute()
      })
    },
    async () => {
      const of = project()
      const run = await pick('runs', of)
      if (run !== undefined)
        await removeArtifacts(ctx, of.id, `${run.artifact_uri.replace('mlflow-artifacts:/', '')}/deep`)
    },
    async () => {
      const of = project()
      const run = await pick('runs', of)
      if (run !== undefined) await deleteRun(ctx, LOCAL, of, run.id)
    },
    async () => {
      const of = project()
      const model = await pick('logged_models', of)
      if (model !== undefined) await deleteLoggedModel(ctx, LOCAL, of, model.id)
    },
    async () => {
      const of = project()
      await deleteExperiment(ctx, LOCAL, of, await experiment(of))
    },
    async () => {
      const of = project()
      await deleteModel(ctx, LOCAL, of, await named('registered_models', of))
    },
    async () => {
      const of = project()
      const name = await named('datasets', of)
      await (random.below(2) === 0
        ? deleteDataset(ctx, LOCAL, of, name)
        : deleteDatasetVersion(ctx, LOCAL, of, name, 'latest'))
    },
    () => fromBin('restore'),
    () => fromBin('purge'),
    () => fromBin('purge'),
  ]
}

/** Every file of every live thing can be read and is what its hash says. */
export async function readEverything(ctx: Context): Promise<number> {
  let read = 0
  for (const row of await ctx.db
    .selectFrom('artifact_entries')
    .selectAll()
    .where('object_id', 'is not', null)
    .execute()) {
    const { stream: bytes } = await openArtifact(ctx, row.project_id, `${row.folder}/${row.name}`)
    if (sha256(Buffer.concat(await bytes.toArray())) !== row.sha256)
      throw new Error(`other bytes: ${JSON.stringify(row)}`)
    read++
  }
  for (const row of await ctx.db.selectFrom('dataset_files').selectAll().execute()) {
    const { stream: bytes } = await ctx.blobs.openContent(row.sha256)
    if (sha256(Buffer.concat(await bytes.toArray())) !== row.sha256)
      throw new Error(`other bytes: ${JSON.stringify(row)}`)
    read++
  }
  return read
}
