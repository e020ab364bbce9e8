import { badRequest } from './errors.ts'
import { type Comparison, isNumberOperator, isTextComparison } from './search-filter.ts'

/** What a filter asks of one value: the meaning of a comparison once its identifier is understood. */
export type ValueTest =
  | { kind: 'text'; operator: '=' | '!=' | 'LIKE' | 'ILIKE'; text: string }
  | { kind: 'number'; operator: '=' | '!=' | '>' | '>=' | '<' | '<='; number: number }
  | { kind: 'in'; negated: boolean; items: string[] }
  | { kind: 'null'; negated: boolean }

export type TestKinds = { text?: boolean; number?: boolean; in?: boolean; null?: boolean }

/**
 * The test of a comparison, when its operator and value are of the allowed kinds.
 * @param name the identifier, for the error's sentence
 * @throws AppError bad_request
 */
export function valueTest(comparison: Comparison, name: string, allowed: TestKinds): ValueTest {
  const { operator, value } = comparison
  if (allowed.text === true && isTextComparison(comparison) && value.kind === 'text') {
    return { kind: 'text', operator: operator as '=' | '!=' | 'LIKE' | 'ILIKE', text: value.text }
  }
  if (allowed.number === true && isNumberOperator(operator) && value.kind === 'number') {
    return { kind: 'number', operator, number: value.number }
  }
  if (allowed.in === true && value.kind === 'list')
    return { kind: 'in', negated: operator === 'NOT IN', items: value.items }
  if (allowed.null === true && value.kind === 'none') return { kind: 'null', negated: operator === 'IS NOT NULL' }
  const usable = [
    ...(allowed.text === true ? ["=, !=, LIKE or ILIKE and a quoted text ('…')"] : []),
    ...(allowed.number === true ? ['=, !=, >, >=, < or <= and a number'] : []),
    ...(allowed.in === true ? ["IN or NOT IN and a list ('a', 'b')"] : []),
    ...(allowed.null === true ? ['IS NULL or IS NOT NULL'] : []),
  ]
  throw badRequest(
    `Invalid filter: ${name} ${operator} … is no comparison that can be made; ${name} takes ${usable.join('; ')}.`,
    'filter',
  )
}
