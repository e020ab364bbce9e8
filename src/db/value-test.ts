import { type Expression, type RawBuilder, type SqlBool, sql } from 'kysely'
import type { ValueTest } from '../lib/search-test.ts'
import { type Db, ilike, like } from './dialect.ts'

/** One value test in SQL. NULL satisfies none but IS NULL. */
export function satisfies(db: Db, column: Expression<unknown>, test: ValueTest): Expression<SqlBool> {
  switch (test.kind) {
    case 'text': {
      const text = column as Expression<string | null>
      if (test.operator === 'LIKE') return like(db, text, closedPattern(test.text))
      if (test.operator === 'ILIKE') return ilike(db, text, closedPattern(test.text))
      return sql<SqlBool>`${text} ${sql.raw(test.operator)} ${test.text}`
    }
    case 'number':
      return sql<SqlBool>`${column} ${sql.raw(test.operator)} ${number(test.number)}`
    case 'in': {
      if (test.items.length === 0) return test.negated ? sql<SqlBool>`${column} IS NOT NULL` : sql<SqlBool>`1 = 0`
      const list = sql.join(test.items)
      return test.negated ? sql<SqlBool>`${column} NOT IN (${list})` : sql<SqlBool>`${column} IN (${list})`
    }
    case 'null':
      return test.negated ? sql<SqlBool>`${column} IS NOT NULL` : sql<SqlBool>`${column} IS NULL`
  }
}

/** PostgreSQL takes a parameter compared with an integer column for an integer: 0.5 and 1e300 would be errors. */
function number(value: number): RawBuilder<number> {
  return sql<number>`CAST(${value} AS DOUBLE PRECISION)`
}

/** A pattern that ends with a lone backslash is an error in PostgreSQL; it means the character. */
function closedPattern(pattern: string): string {
  const trailing = /\\+$/.exec(pattern)?.[0].length ?? 0
  return trailing % 2 === 1 ? `${pattern}\\` : pattern
}
