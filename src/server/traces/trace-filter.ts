import { badRequest } from '../../lib/errors.ts'
import type { Comparison, SortField } from '../../lib/search-filter.ts'
import { type ValueTest, valueTest } from '../../lib/search-test.ts'
import { attributeOf, type Span, statusOf, textOf, typeOf } from './spans.ts'
import type { TraceColumn, TraceCondition, TraceSort } from './trace-search.store.ts'

const COLUMNS: Readonly<Record<string, TraceColumn>> = {
  request_id: 'trace_id',
  trace_id: 'trace_id',
  id: 'trace_id',
  name: 'name',
  status: 'status',
  state: 'status',
  client_request_id: 'client_request_id',
  run_id: 'run_id',
  experiment_id: 'experiment_id',
  timestamp: 'started_at_ms',
  timestamp_ms: 'started_at_ms',
  request_time: 'started_at_ms',
  execution_time: 'duration_ms',
  execution_time_ms: 'duration_ms',
  execution_duration: 'duration_ms',
  end_time: 'ended_at_ms',
  end_time_ms: 'ended_at_ms',
}
const NUMERIC: readonly TraceColumn[] = ['started_at_ms', 'duration_ms', 'ended_at_ms']
const ATTRIBUTE_ENTITIES = ['', 'attribute', 'attributes', 'attr', 'trace']
const METADATA_ENTITIES = ['metadata', 'request_metadata']
const TAG_ENTITIES = ['tag', 'tags']
/** Tags and metadata that are columns of ours. */
const NAME_TAG = 'mlflow.traceName'
const SOURCE_RUN = 'mlflow.sourceRun'

/** Longest pattern for, and searched part of, the text of one span. */
const PATTERN_LENGTH = 250
const SEARCHED_LENGTH = 1_000_000

/** A test that only a look into the spans can answer: an attribute, or the whole span as text. */
export type ContentTest = { attribute: string | null; test: ValueTest; on?: 'name' | 'type' | 'status' }

function fail(what: string, field: string): Error {
  return badRequest(
    `${what} Traces are searched by status, name, timestamp_ms, execution_time_ms, trace_id, run_id, client_request_id, tags.<key>, metadata.<key>, span.name, span.type, span.status, span.attributes.<key>, feedback.<name> and expectation.<name>.`,
    field,
  )
}

/** The conditions of a filter: what the index answers, and what must be looked for in spans. @throws AppError bad_request */
export function conditionsOf(comparisons: readonly Comparison[]): {
  conditions: TraceCondition[]
  contents: ContentTest[]
} {
  const conditions: TraceCondition[] = []
  const contents: ContentTest[] = []
  const spanTests: Extract<TraceCondition, { on: 'span' }>['tests'] = []
  for (const comparison of comparisons) {
    const { entity, key } = comparison
    if (entity === 'span') {
      if (key === 'name' || key === 'type' || key === 'status')
        spanTests.push({ column: key, test: spanTest(comparison) })
      else contents.push(contentTest(comparison))
    } else if (ATTRIBUTE_ENTITIES.includes(entity) && key === 'text') {
      contents.push(contentTest(comparison))
    } else {
      conditions.push(condition(comparison))
    }
  }
  if (spanTests.length > 0) conditions.push({ on: 'span', tests: spanTests })
  // All tests of spans are about one and the same span.
  if (contents.length > 0)
    for (const { column, test } of spanTests) contents.push({ attribute: null, on: column, test })
  return { conditions, contents }
}

function spanTest(comparison: Comparison): ValueTest {
  const test = valueTest(comparison, `span.${comparison.key}`, { text: true, in: true })
  return comparison.key === 'status' ? upperCased(test) : test
}

function contentTest(comparison: Comparison): ContentTest {
  const { key } = comparison
  if (key === 'content' || key === 'text') {
    const test = valueTest(comparison, key, { text: true })
    if (test.kind !== 'text' || (test.operator !== 'LIKE' && test.operator !== 'ILIKE'))
      throw fail('span.content is searched by LIKE and ILIKE.', 'filter')
    checkPattern(test)
    return { attribute: null, test }
  }
  if (!key.startsWith('attributes.') || key.length === 'attributes.'.length)
    throw fail(`Invalid span attribute '${key.slice(0, 100)}'.`, 'filter')
  const test = valueTest(comparison, `span.${key}`, { text: true, in: true })
  checkPattern(test)
  return { attribute: key.slice('attributes.'.length), test }
}

/** A long pattern on a long text takes their product in time. @throws AppError bad_request */
function checkPattern(test: ValueTest): void {
  if (test.kind === 'text' && test.text.length > PATTERN_LENGTH)
    throw badRequest(`A text that is looked for in spans may have at most ${PATTERN_LENGTH} characters.`, 'filter')
}

function condition(comparison: Comparison): TraceCondition {
  const { entity, key } = comparison
  if (TAG_ENTITIES.includes(entity)) {
    if (key === NAME_TAG)
      return { on: 'attribute', column: 'name', test: valueTest(comparison, key, { text: true, null: true, in: true }) }
    return { on: 'tag', key, test: valueTest(comparison, `tags.${key}`, { text: true, null: true }) }
  }
  if (METADATA_ENTITIES.includes(entity)) {
    if (key === SOURCE_RUN && comparison.operator === '=') return runCondition(comparison)
    return { on: 'metadata', key, test: valueTest(comparison, `metadata.${key}`, { text: true, null: true }) }
  }
  if (entity === 'feedback' || entity === 'expectation') {
    const test = valueTest(comparison, `${entity}.${key}`, { text: true, number: true, null: true })
    return { on: 'assessment', kind: entity, name: key, test }
  }
  if (entity === 'issue' && key === 'id' && comparison.operator === '=' && comparison.value.kind === 'text')
    return { on: 'assessment', kind: 'issue', name: comparison.value.text, test: null }
  if (!ATTRIBUTE_ENTITIES.includes(entity)) throw fail(`Invalid entity type '${entity.slice(0, 100)}'.`, 'filter')
  if (key === 'prompt') return promptCondition(comparison)
  const column = columnOf(key, 'filter')
  if (NUMERIC.includes(column)) return { on: 'attribute', column, test: valueTest(comparison, key, { number: true }) }
  if (column === 'run_id' && comparison.operator === '=') return runCondition(comparison)
  const test = valueTest(comparison, key, { text: true, in: true })
  return { on: 'attribute', column, test: column === 'status' ? upperCased(test) : test }
}

/** A trace belongs to the run that it was made in and to those that it was linked to. */
function runCondition(comparison: Comparison): TraceCondition {
  const test = valueTest(comparison, 'run_id', { text: true })
  return { on: 'run', target: test.kind === 'text' ? test.text : '' }
}

function promptCondition(comparison: Comparison): TraceCondition {
  const { operator, value } = comparison
  if (operator !== '=' || value.kind !== 'text' || value.text.split('/').length !== 2)
    throw badRequest("Invalid prompt filter: write prompt = 'name/version'.", 'filter')
  return { on: 'prompt', target: value.text }
}

function upperCased(test: ValueTest): ValueTest {
  if (test.kind === 'text' && (test.operator === '=' || test.operator === '!='))
    return { ...test, text: test.text.toUpperCase() }
  return test.kind === 'in' ? { ...test, items: test.items.map((item) => item.toUpperCase()) } : test
}

function columnOf(key: string, field: string): TraceColumn {
  const column = Object.hasOwn(COLUMNS, key) ? COLUMNS[key] : undefined
  if (column === undefined) throw fail(`Invalid attribute key '${key.slice(0, 100)}'.`, field)
  return column
}

/** The whole order: what is asked for, then the newest first, then by id, so that it has no ties. @throws AppError bad_request */
export function sortsOf(fields: readonly SortField[]): TraceSort[] {
  const sorts: TraceSort[] = fields.map(({ entity, key, descending }) => {
    if (TAG_ENTITIES.includes(entity) && key !== NAME_TAG) return { on: 'tag', key, descending }
    if (METADATA_ENTITIES.includes(entity)) return { on: 'metadata', key, descending }
    if (TAG_ENTITIES.includes(entity)) return { on: 'attribute', column: 'name', descending }
    if (!ATTRIBUTE_ENTITIES.includes(entity))
      throw fail(`Traces cannot be ordered by ${entity.slice(0, 100)}.`, 'order_by')
    return { on: 'attribute', column: columnOf(key, 'order_by'), descending }
  })
  for (const [column, descending] of [['started_at_ms', true] as const, ['trace_id', false] as const]) {
    if (!sorts.some((sort) => sort.on === 'attribute' && sort.column === column))
      sorts.push({ on: 'attribute', column, descending })
  }
  return sorts
}

/** Whether a span passes such a test. */
export function matchesContent(span: Span, { attribute, on, test }: ContentTest): boolean {
  const text =
    on === 'name'
      ? (span.name ?? '')
      : on === 'type'
        ? typeOf(span)
        : on === 'status'
          ? statusOf(span)
          : attribute === null
            ? JSON.stringify(span)
            : textOf(attributeOf(span, attribute))
  if (text === null) return false
  if (test.kind === 'in') return test.items.includes(text) !== test.negated
  if (test.kind !== 'text') return false
  if (test.operator === '=' || test.operator === '!=') return (text === test.text) === (test.operator === '=')
  return isLike(text.slice(0, SEARCHED_LENGTH), test.text, test.operator === 'ILIKE')
}

/** SQL's LIKE on a text in memory, in linear time for each `%`. */
function isLike(text: string, pattern: string, ignoreCase: boolean): boolean {
  const [whole, like] = ignoreCase ? [text.toLowerCase(), pattern.toLowerCase()] : [text, pattern]
  let [at, place, retryAt, retryPlace] = [0, 0, -1, -1]
  while (at < whole.length) {
    const ch = like[place]
    if (ch === '%') {
      ;[retryAt, retryPlace] = [at, place]
      place += 1
    } else if (ch === '_' || ch === whole[at]) {
      at += 1
      place += 1
    } else if (retryPlace >= 0) {
      retryAt += 1
      ;[at, place] = [retryAt, retryPlace + 1]
    } else return false
  }
  while (like[place] === '%') place += 1
  return place === like.length
}
