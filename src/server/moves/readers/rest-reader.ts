import { AppError, errorMessage } from '../../../lib/errors.ts'
import type { Report } from '../report.ts'
import {
  type ArtifactFile,
  batches,
  type Experiment,
  type LoggedModel,
  POINTS_PER_BATCH,
  type Point,
  type Reader,
  type Run,
} from '../types.ts'

import { doubleOf, int64Of, textOf } from './fields.ts'
import { type Message, type RestClient, type RestCredentials, restClient } from './rest-client.ts'
import { experimentOf, list, loggedModelOf, pages, runOf } from './rest-messages.ts'
import { registeredModelsAt } from './rest-registry.ts'

const API = '/api/2.0/mlflow'
const PAGE = 200
/** What MLflow 3's own client asks for; older servers send a whole history whatever the page. */
const HISTORY_PAGE = 25_000

/** @throws Error when nothing of MLflow answers there */
export async function restReader(url: string, credentials: RestCredentials, report: Report): Promise<Reader> {
  const client = restClient(url, credentials)
  await client.post(`${API}/experiments/search`, { max_results: 1 })
  return {
    what: `the server ${client.url}`,
    readsEveryStore: true,
    experiments: () => experimentsAt(client),
    loggedModels: (experiment) => loggedModelsAt(client, experiment),
    runs: (experiment) => runsAt(client, experiment),
    points: (run) => batches(pointsAt(client, run), POINTS_PER_BATCH),
    runArtifacts: async (run) => ({ files: filesOf(client, report, run.id, runFiles(run.id)) }),
    modelArtifacts: async (model) => ({ files: filesOf(client, report, model.id, modelFiles(model.id)) }),
    registeredModels: () => registeredModelsAt(client, report),
    close: async () => {},
  }
}

async function* experimentsAt(client: RestClient): AsyncIterable<Experiment> {
  const ask = (page_token?: string) =>
    client.post(`${API}/experiments/search`, {
      max_results: PAGE,
      view_type: 'ALL',
      order_by: ['experiment_id'],
      page_token,
    })
  for await (const message of pages(ask, 'experiments')) yield experimentOf(message)
}

async function* runsAt(client: RestClient, experiment: Experiment): AsyncIterable<Run> {
  const ask = (page_token?: string) =>
    client.post(`${API}/runs/search`, {
      experiment_ids: [experiment.id],
      run_view_type: 'ALL',
      max_results: PAGE,
      order_by: ['attributes.start_time', 'attributes.run_id'],
      page_token,
    })
  // A search of MLflow 3 leaves out which models a run read.
  for await (const message of pages(ask, 'runs')) {
    const found = await client.get(`${API}/runs/get`, { run_id: runOf(message).id })
    yield runOf((found.run ?? {}) as Message)
  }
}

/** A server before MLflow 3 has none. Deleted ones are never shown by the API. */
async function* loggedModelsAt(client: RestClient, experiment: Experiment): AsyncIterable<LoggedModel> {
  const ask = (page_token?: string) =>
    client.post(`${API}/logged-models/search`, { experiment_ids: [experiment.id], max_results: 50, page_token })
  try {
    for await (const message of pages(ask, 'models')) yield loggedModelOf(message)
  } catch (error) {
    if (!(error instanceof AppError && error.code === 'not_found')) throw error
  }
}

/** `pointsMark` of a run of a server holds its latest points, and so its keys. */
async function* pointsAt(client: RestClient, run: Run): AsyncIterable<Point> {
  const found = await client.get(`${API}/runs/get`, { run_id: run.id })
  const data = ((found.run as Message | undefined)?.data ?? {}) as Message
  for (const key of new Set(list(data.metrics).map((metric) => textOf(metric.key)))) {
    const ask = (page_token?: string) =>
      client.get(`${API}/metrics/get-history`, {
        run_id: run.id,
        metric_key: key,
        max_results: String(HISTORY_PAGE),
        page_token,
      })
    for await (const point of pages(ask, 'metrics')) {
      yield {
        key,
        value: doubleOf(point.value ?? 0, 'the value'),
        timestampMs: int64Of(point.timestamp ?? 0, 'the time'),
        step: int64Of(point.step ?? 0, 'the step'),
      }
    }
  }
}

type Place = {
  list(client: RestClient, path: string): Promise<Message>
  file(client: RestClient, path: string): ReturnType<RestClient['download']>
}

function runFiles(id: string): Place {
  return {
    list: (client, path) => client.get(`${API}/artifacts/list`, { run_id: id, path: path || undefined }),
    file: (client, path) => client.download('/get-artifact', { run_id: id, run_uuid: id, path }),
  }
}

function modelFiles(id: string): Place {
  return {
    list: (client, path) =>
      client.get(`${API}/logged-models/${id}/artifacts/directories`, { artifact_directory_path: path || undefined }),
    file: (client, path) =>
      client.download(`/ajax-api/2.0/mlflow/logged-models/${id}/artifacts/files`, { artifact_file_path: path }),
  }
}

/** Deeper than any model's folder; a server could show folders without end. */
const MAX_DEPTH = 50

/** The server reads the files for us, wherever it keeps them. */
async function* filesOf(client: RestClient, report: Report, id: string, place: Place): AsyncIterable<ArtifactFile> {
  const folders = ['']
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    let entries: Message[] = []
    try {
      entries = list((await place.list(client, folder)).files)
    } catch (error) {
      report.problem(`artifacts of ${id}`, `the folder "${folder}" could not be listed: ${errorMessage(error)}`)
    }
    for (const entry of entries) {
      const path = textOf(entry.path)
      if (entry.is_dir !== true)
        yield { path, sizeBytes: Number(entry.file_size ?? 0), modifiedAtMs: 0, open: () => place.file(client, path) }
      else if (path.startsWith(folder) && path.length > folder.length && path.split('/').length <= MAX_DEPTH)
        folders.push(path)
    }
  }
}
