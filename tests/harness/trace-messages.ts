/** A trace, an assessment and an evaluation dataset that a test has made before it sends these messages. */
export const TRACE_ID = 'tr-0123456789abcdef0123456789abcdef'
export const ASSESSMENT_ID = 'a-3'

const pairs = [{ key: 'k', value: 'v' }]
const assessment = {
  assessment_name: 'good',
  assessment_id: 'a-2',
  span_id: '00000000000000a1',
  source: { source_type: 'HUMAN', source_id: 'ada' },
  create_time: '2026-01-02T03:04:05.678Z',
  last_update_time: '2026-01-02T03:04:05Z',
  feedback: { value: { a: [1, null] }, error: { error_code: 'E', error_message: 'm', stack_trace: 's' } },
  expectation: { value: 1, serialized_value: { serialization_format: 'JSON_FORMAT', value: '{"a": 1}' } },
  issue: { issue_name: 'i' },
  rationale: 'why',
  metadata: { k: 'v' },
  overrides: '',
  valid: true,
}
const info = {
  trace_id: TRACE_ID,
  client_request_id: 'c',
  trace_location: { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: '0' } },
  request_preview: '"a"',
  response_preview: '"b"',
  request_time: '2026-01-02T03:04:05.678Z',
  execution_duration: '0.004s',
  state: 'OK',
  trace_metadata: { 'mlflow.sourceRun': 'r', 'mlflow.trace.sizeStats': '{"num_spans": 0}' },
  tags: { 'mlflow.traceName': 'n', k: 'v' },
  assessments: [{ ...assessment, assessment_id: 'a-3' }],
}
const search = {
  locations: [info.trace_location],
  experiment_ids: ['0'],
  filter:
    "status = 'OK' AND tags.k = 'v' AND span.name = 'root' AND span.attributes.a LIKE '%x%' AND feedback.good > 1",
  max_results: 10,
  order_by: ['timestamp_ms DESC', 'tags.k', 'metadata.k DESC'],
  page_token: '',
}

/** A message of each call about traces and evaluation datasets; where two versions share a path, of both. */
export const TRACE_MESSAGES: Record<string, Record<string, unknown>> = {
  '/traces': {
    ...search,
    trace: { trace_info: info },
    experiment_id: '0',
    timestamp_ms: 1,
    request_metadata: pairs,
    tags: pairs,
  },
  '/traces/search': search,
  '/traces/get': { trace_id: TRACE_ID, allow_partial: 'True' },
  '/traces/batchGet': { trace_ids: [TRACE_ID], experiment_ids: ['0'] },
  '/traces/batchGetInfos': { trace_ids: [TRACE_ID], experiment_ids: ['0'] },
  '/traces/:trace_id': { timestamp_ms: 2, status: 'OK', request_metadata: pairs, tags: pairs },
  '/traces/:trace_id/info': {},
  '/traces/:trace_id/tags': { key: 'k', value: 'v' },
  '/traces/:trace_id/assessments': { assessment },
  '/traces/:trace_id/assessments/:assessment_id': { assessment, update_mask: 'feedback,rationale,metadata' },
  '/traces/link-to-run': { trace_ids: [TRACE_ID], run_id: '' },
  '/traces/link-prompts': { trace_id: TRACE_ID, prompt_versions: [{ name: 'p', version: '1' }] },
  '/traces/delete-traces': { experiment_id: '0', max_timestamp_millis: 1, max_traces: 1, request_ids: ['tr-none'] },
  '/datasets/create': { name: 'd', experiment_ids: ['0'], tags: '{"k": "v"}' },
  '/datasets/search': {
    experiment_ids: ['0'],
    filter_string: "name = 'd' AND tags.k = 'v' AND created_time > 1",
    max_results: 10,
    order_by: ['created_time DESC'],
    page_token: '',
  },
  '/datasets/:dataset_id': {},
  '/datasets/:dataset_id/tags': { tags: '{"k": 1}' },
  '/datasets/:dataset_id/records': {
    records: '[{"inputs": {"a": 1.0}, "outputs": [1], "expectations": {"b": null}, "tags": {"k": "v"}, "source": {}}]',
    updated_by: 'ada',
    max_results: 10,
    page_token: '',
    dataset_record_ids: ['dr-none'],
  },
  '/datasets/:dataset_id/add-experiments': { experiment_ids: ['0'] },
  '/datasets/:dataset_id/remove-experiments': { experiment_ids: ['0'] },
}
