import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runScript, testPython } from '../harness/python.ts'
import { startTestServer, type TestServer } from '../harness/server.ts'

let python: string
let server: TestServer
beforeAll(async () => {
  python = await testPython()
  server = await startTestServer({ jobSlots: '0' })
})
afterAll(() => server.close())

/** What stock MLflow 3.17.2 answers too (`span.attributes.x = 'y'`, which it never finds, apart). */
const TRACES = {
  trace: {
    state: 'OK',
    name: 'answer',
    topic: 'dogs',
    session: 's-1',
    request: { question: 'a dog' },
    response: 'It is a dog.',
    previews: ['{"question": "a dog"}', '"It is a dog."'],
    spans: [
      ['answer', 'CHAIN'],
      ['look_up', 'TOOL'],
      ['think', 'AGENT'],
    ],
    inputs: { question: 'a dog', größe: 'ü', deep: { list: [1, { a: 'b' }] } },
    outputs: { word: 'a dog', pages: [1, 2], ok: true, score: 0.5, none: null },
    attributes: { number: 7, ratio: 0.25, flag: true, texts: ['a', 'b'] },
    parents: true,
    timed: true,
    in_database: 'TRACKING_STORE',
  },
  failed: ['ERROR', 'ERROR', 'exception'],
  unknown: 'RESOURCE_DOES_NOT_EXIST',
  search: {
    all: ['third', 'second', 'first'],
    oldest: ['first', 'second', 'third'],
    ok: ['second', 'first'],
    error: ['third'],
    name: ['second', 'first'],
    run: ['second'],
    tag: ['second', 'first'],
    metadata: ['second', 'first'],
    span: ['second', 'first'],
    span_apart: [],
    attribute: ['second'],
    text: ['second'],
    slow: [],
    max: ['third'],
    wrong: 'INVALID_PARAMETER_VALUE',
  },
  frame: [3, 'ERROR'],
  pages: [2, 1, true],
  no_tag: 'RESOURCE_DOES_NOT_EXIST',
  assessments: {
    colour: 'blue',
    names: ['broken', 'expected', 'good', 'parts'],
    changed: false,
    good: [true, 'on second thought', true],
    parts: { a: [1.5, 'x'], b: null },
    broken: 'judge died',
    expected: { words: ['dog'], count: 3 },
    source: ['CODE', false],
    search: [1, 0, 1, 0],
  },
  restored: true,
  linked: 2,
  deleted: 1,
  left: 2,
  deleted_by_age: 0,
  prompt: {
    versions: [1, 2],
    text: ['Hello {{who}}!', 'Hello you!', 'first', { author: 'ada', checked: 'yes' }],
    chat: [{ role: 'user', content: 'Hi you' }],
    alias: [1, ['live']],
    latest: 2,
    search: ['genai-prompt'],
    listed_models: [],
    listed_versions: 0,
    version_list: [1, 2],
    tags: 'words',
    missing: null,
    no_alias: null,
    after_delete: 0,
  },
  dataset: {
    rows: 2,
    first: ['float', 9_007_199_254_740_993n.toString()],
    second: { contains: 'bird', extra: true },
    tags: { 'mlflow.user': expect.any(String), owner: 'ada' },
    schema: { question: 'string', size: 'float', big: 'integer' },
    profile: { num_records: 2 },
    experiments: true,
    found: ['genai-questions'],
    not_found: 0,
    removed: 0,
    deleted: 'RESOURCE_DOES_NOT_EXIST',
  },
  evaluate: {
    metrics: { 'contains/mean': 0.5 },
    stored: { 'contains/mean': 0.5 },
    traces: 2,
    scored: ['False', 'True', 'bird', 'dog'],
  },
}

const CURVES = ['lift_curve_plot', 'precision_recall_curve_plot', 'roc_curve_plot']

describe.concurrent('the unmodified client', () => {
  const run = (script: string, name: string) =>
    runScript(python, script, [name], {
      MLFLOW_TRACKING_URI: server.url,
      // A wrong answer must fail the test, not be asked again for minutes.
      MLFLOW_HTTP_REQUEST_MAX_RETRIES: '1',
      MLFLOW_DISABLE_TELEMETRY: 'true',
    })

  test('traces, searches and judges them; keeps prompts; evaluates a dataset', async ({ expect }) => {
    expect(await run('mlflow_traces.py', 'genai')).toEqual(TRACES)
  }, 300_000)

  test('evaluates a classifier and a regressor: metrics, plots and the table of results', async ({ expect }) => {
    const seen = await run('mlflow_evaluate.py', 'evaluate')
    expect(seen).toEqual({
      classifier: {
        same: true,
        metrics: ['accuracy_score', 'own/worst', 'roc_auc'],
        artifacts: ['calibration_curve_plot', 'confusion_matrix', 'eval_results_table', ...CURVES],
        files: [
          'calibration_curve_plot.png',
          'confusion_matrix.png',
          'eval_results_table.json',
          ...CURVES.map((name) => `${name}.png`),
        ],
        table: [120, true],
        datasets: 1,
      },
      regressor: {
        same: true,
        metrics: ['own/worst', 'r2_score'],
        artifacts: ['eval_results_table'],
        files: ['eval_results_table.json'],
        table: [120, true],
        datasets: 1,
      },
    })
  }, 300_000)
})
