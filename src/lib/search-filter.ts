import { badRequest } from './errors.ts'
import { fail, type Token, tokenize } from './search-tokens.ts'

/**
 * The grammar of MLflow's search filters and sort orders, without any meaning: comparisons joined by AND. What the
 * identifiers may be, and with which operators, is decided by each search. One pass over the text, linear time.
 */

export type FilterOperator =
  | '='
  | '!='
  | '>'
  | '>='
  | '<'
  | '<='
  | 'LIKE'
  | 'ILIKE'
  | 'IN'
  | 'NOT IN'
  | 'IS NULL'
  | 'IS NOT NULL'

/** `metrics.a` → entity `metrics`, key `a`; a bare attribute → entity '' and its name as key. */
export type Identifier = { entity: string; key: string }

export type FilterValue =
  | { kind: 'text'; text: string }
  | { kind: 'number'; number: number; text: string }
  | { kind: 'list'; items: string[] }
  | { kind: 'none' }

/** `isLowerCase`: the operator is a word and not in capitals, which one search of MLflow refuses. */
export type Comparison = Identifier & { operator: FilterOperator; value: FilterValue; isLowerCase?: true }
export type SortField = Identifier & { descending: boolean }

/** Each comparison becomes a subquery; engines limit their depth. */
const MAX_COMPARISONS = 100
const MAX_SORT_FIELDS = 50

/** Reads tokens one after the other. */
class Reader {
  readonly text: string
  readonly tokens: Token[]
  position = 0

  constructor(text: string) {
    this.text = text
    this.tokens = tokenize(text)
  }

  peek(): Token | undefined {
    return this.tokens[this.position]
  }

  next(): Token | undefined {
    return this.tokens[this.position++]
  }

  fail(what: string): Error {
    return fail(what, this.text, this.peek()?.at ?? this.text.length)
  }

  /** Takes the next word when it is this one, in any case. */
  keyword(word: string): boolean {
    const token = this.peek()
    if (token?.type !== 'word' || token.text.toUpperCase() !== word) return false
    this.position++
    return true
  }

  symbol(symbol: string): boolean {
    const token = this.peek()
    if (token?.type !== 'symbol' || token.text !== symbol) return false
    this.position++
    return true
  }

  identifier(): Identifier {
    const first = this.next()
    if (first === undefined || (first.type !== 'word' && !(first.type === 'quoted' && first.quote !== "'"))) {
      this.position--
      throw this.fail('a name such as metrics.accuracy is expected')
    }
    if (!this.symbol('.')) return { entity: '', key: first.text }
    const second = this.next()
    if (second === undefined || (second.type !== 'word' && second.type !== 'quoted') || second.text === '') {
      this.position--
      throw this.fail(`a key is expected after "${first.text}."`)
    }
    return { entity: first.text, key: second.text }
  }

  /** The operator, and whether it was a word that is not in capitals. */
  operator(): { operator: FilterOperator; isLowerCase?: true } {
    const from = this.position
    const operator = this.knownOperator()
    const words = this.tokens.slice(from, this.position).map((token) => token.text)
    return words.every((word) => word === word.toUpperCase()) ? { operator } : { operator, isLowerCase: true }
  }

  private knownOperator(): FilterOperator {
    const token = this.next()
    if (token?.type === 'symbol' && ['=', '!=', '>', '>=', '<', '<='].includes(token.text))
      return token.text as FilterOperator
    if (token?.type === 'word') {
      const word = token.text.toUpperCase()
      if (word === 'LIKE' || word === 'ILIKE' || word === 'IN') return word
      if (word === 'NOT' && this.keyword('IN')) return 'NOT IN'
      if (word === 'IS') {
        if (this.keyword('NULL')) return 'IS NULL'
        if (this.keyword('NOT') && this.keyword('NULL')) return 'IS NOT NULL'
      }
    }
    this.position--
    throw this.fail('a comparison (=, !=, >, >=, <, <=, LIKE, ILIKE, IN, NOT IN, IS NULL, IS NOT NULL) is expected')
  }

  value(operator: FilterOperator): FilterValue {
    if (operator === 'IS NULL' || operator === 'IS NOT NULL') return { kind: 'none' }
    if (operator === 'IN' || operator === 'NOT IN') return { kind: 'list', items: this.list() }
    const token = this.next()
    if (token?.type === 'number') return { kind: 'number', number: Number(token.text), text: token.text }
    if (token?.type === 'quoted' && token.quote !== '`') return { kind: 'text', text: token.text }
    this.position--
    throw this.fail("a number or a quoted text ('…') is expected")
  }

  list(): string[] {
    if (!this.symbol('(')) throw this.fail("a list such as ('a', 'b') is expected")
    const items: string[] = []
    do {
      if (items.length > 0 && this.peek()?.type === 'symbol') break // ('a',)
      const token = this.next()
      if (token?.type !== 'quoted' || token.quote === '`') {
        this.position--
        throw this.fail("a quoted text ('…') is expected in the list")
      }
      items.push(token.text)
    } while (this.symbol(','))
    if (!this.symbol(')')) throw this.fail('")" is expected')
    return items
  }
}

/**
 * Parses a filter; empty text is no comparison. As in MLflow an AND too many does no harm, nor one that is missing between
 * two comparisons.
 * @throws AppError bad_request saying what is wrong and where
 */
export function parseFilter(text: string): Comparison[] {
  const reader = new Reader(text)
  const comparisons: Comparison[] = []
  for (;;) {
    while (reader.keyword('AND'));
    if (reader.peek() === undefined) return comparisons
    const identifier = reader.identifier()
    const operator = reader.operator()
    comparisons.push({ ...identifier, ...operator, value: reader.value(operator.operator) })
    if (comparisons.length > MAX_COMPARISONS)
      throw badRequest(`Invalid filter: it has more than ${MAX_COMPARISONS} comparisons.`, 'filter')
  }
}

/**
 * Parses sort orders such as `metrics.accuracy DESC`; ascending unless said.
 * @param repeats whether a field may come twice (the second decides nothing); MLflow takes that for experiments only
 * @throws AppError bad_request naming `order_by`
 */
export function parseOrderBy(clauses: readonly string[], repeats: 'refused' | 'taken' = 'refused'): SortField[] {
  if (clauses.length > MAX_SORT_FIELDS)
    throw badRequest(`order_by may hold at most ${MAX_SORT_FIELDS} fields.`, 'order_by')
  const seen = new Set<string>()
  return clauses.map((clause) => {
    const refuse = () =>
      badRequest(
        `Invalid order_by clause '${clause.slice(0, 200)}'. It must be a name such as metrics.accuracy, with ASC or DESC behind it or nothing.`,
        'order_by',
      )
    let field: SortField
    try {
      const reader = new Reader(clause)
      const identifier = reader.identifier()
      const descending = reader.keyword('DESC')
      if (!descending) reader.keyword('ASC')
      if (reader.peek() !== undefined) throw refuse()
      field = { ...identifier, descending }
    } catch {
      throw refuse()
    }
    const name = `${field.entity}\0${field.key}`
    if (seen.has(name) && repeats === 'refused')
      throw badRequest(`order_by contains the field '${clause.slice(0, 200)}' twice.`, 'order_by')
    seen.add(name)
    return field
  })
}

/** Whether a text column's `operator` with this value can be a comparison of text. */
export function isTextComparison(comparison: Comparison): boolean {
  const { operator, value } = comparison
  return value.kind === 'text' && (operator === '=' || operator === '!=' || operator === 'LIKE' || operator === 'ILIKE')
}

/** Whether `operator` orders or equals numbers. */
export function isNumberOperator(operator: FilterOperator): operator is '=' | '!=' | '>' | '>=' | '<' | '<=' {
  return (
    operator === '=' ||
    operator === '!=' ||
    operator === '>' ||
    operator === '>=' ||
    operator === '<' ||
    operator === '<='
  )
}
