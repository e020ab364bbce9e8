import type { Talk } from './talk.ts'

/** A sequence of requests, the same for every server. Each uses names and experiments of its own. */
export type Scenario = { name: string; play(talk: Talk): Promise<void> }

/** A seeded source of choices (mulberry32), so that every machine draws the same filters. */
export class Draw {
  #state: number

  constructor(seed: number) {
    this.#state = seed
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit)
  }

  one<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T
  }

  chance(part: number): boolean {
    return this.next() < part
  }

  many<T>(count: number, make: () => T): T[] {
    return Array.from({ length: count }, make)
  }
}

/** A text of a length; limits are tried at and one beyond. */
export const long = (length: number, letter = 'x') => letter.repeat(length)

/** How the grammar's texts are quoted. */
export const quoted = (text: string, draw?: Draw) => (draw?.chance(0.2) === true ? `"${text}"` : `'${text}'`)

/** Pieces of a filter in no sensible order: mostly refused, and what is not must mean the same. */
export function soup(draw: Draw, pieces: readonly string[]): string {
  return draw.many(1 + draw.below(7), () => draw.one(pieces)).join(draw.chance(0.85) ? ' ' : '')
}

/** Cases of the common grammar, with a text field and a number field of the search put in. */
export function grammarCases(text: string, number: string | null, value: string): string[] {
  const v = `'${value}'`
  return [
    '',
    ' ',
    ';',
    `${text} = ${v};`,
    `${text} = ${v}; ${text} = ${v}`,
    `${text} = ${v} AND`,
    `AND ${text} = ${v}`,
    `${text} = ${v} OR ${text} = ${v}`,
    `NOT ${text} = ${v}`,
    `(${text} = ${v})`,
    `(${text} = ${v} AND ${text} = ${v})`,
    `${text} = ${v} and ${text} = ${v}`,
    `${text} = ${v} And ${text} = ${v}`,
    `${text} = ${v} AND AND ${text} = ${v}`,
    `${text}=${v}`,
    `${text}  =  ${v}`,
    `  ${text} = ${v}  `,
    `${text}\n=\n${v}`,
    `${text}\t=\t${v}`,
    `${text} == ${v}`,
    `${text} <> ${v}`,
    `${text} === ${v}`,
    `${text} = "${value}"`,
    `${text} = ${value}`,
    `${text} = \`${value}\``,
    `${v} = ${text}`,
    `${text}`,
    `${text} =`,
    `= ${v}`,
    `${text} ${v}`,
    `${text} = ${v} ${v}`,
    `${text} = ${v} ${text} = ${v}`,
    `${text} = ${v}, ${text} = ${v}`,
    `${text} LIKE ${v}`,
    `${text} like ${v}`,
    `${text} Like ${v}`,
    `${text} ILIKE ${v}`,
    `${text} ilike ${v}`,
    `${text} NOT LIKE ${v}`,
    `${text} LIKE '%'`,
    `${text} LIKE '%${value.slice(1)}'`,
    `${text} LIKE '${value.slice(0, 1)}%'`,
    `${text} LIKE '_${value.slice(1)}'`,
    `${text} LIKE '${value.toUpperCase()}'`,
    `${text} ILIKE '${value.toUpperCase()}'`,
    `${text} ILIKE '%${value.slice(1, 3).toUpperCase()}%'`,
    `${text} LIKE 5`,
    `${text} = 5`,
    `${text} > ${v}`,
    `${text} >= ${v}`,
    `${text} < 'zzzz'`,
    `${text} IN (${v})`,
    `${text} IN (${v}, 'zz')`,
    `${text} in (${v})`,
    `${text} IN (${v},)`,
    `${text} IN ()`,
    `${text} IN ${v}`,
    `${text} IN (5)`,
    `${text} IN (${v}`,
    `${text} NOT IN (${v})`,
    `${text} not in (${v})`,
    `${text} NOT IN ()`,
    `${text} IN ("${value}")`,
    `${text} IN (${v} ${v})`,
    `${text} IN(${v})`,
    `${text} IN ('', ${v})`,
    `${text} IS NULL`,
    `${text} IS NOT NULL`,
    `${text} is null`,
    `${text} is not null`,
    `${text} IS ${v}`,
    `${text} = NULL`,
    `${text} != ${v}`,
    `${text} != ''`,
    `${text} = ''`,
    `${text} = '`,
    `${text} = '${value}`,
    `${text} = ${v} -- comment`,
    `${text} = ${v} /* c */`,
    `/* c */ ${text} = ${v}`,
    `${text} BETWEEN 'a' AND 'z'`,
    `1 = 1`,
    `'a' = 'a'`,
    `${text} = 'it''s'`,
    `${text} = "it's"`,
    `${text} = 'say "x"'`,
    `${text} = 'a\\'`,
    `${text} LIKE 'a\\%'`,
    `${text} REGEXP ${v}`,
    `${text} = ${v} LIMIT 1`,
    `SELECT * FROM runs`,
    `DROP TABLE runs`,
    `${text} = ${v} ORDER BY ${text}`,
    `nonsense = ${v}`,
    `nonsense.${text} = ${v}`,
    `attributes.nonsense = ${v}`,
    `attribute = ${v}`,
    `. = ${v}`,
    `.x = ${v}`,
    `x. = ${v}`,
    `tags. = ${v}`,
    `${text} = TRUE`,
    `${text} = CURRENT_TIMESTAMP`,
    `\`${text}\` = ${v}`,
    `"${text}" = ${v}`,
    `'${text}' = ${v}`,
    `${text.toUpperCase()} = ${v}`,
    ...(number === null
      ? []
      : [
          `${number} > 0`,
          `${number} >= 1`,
          `${number} = 1`,
          `${number} == 1`,
          `${number} != 1`,
          `${number} <> 1`,
          `${number} < 1e3`,
          `${number} < 1E+3`,
          `${number} > -1`,
          `${number} > - 1`,
          `${number} > +1`,
          `${number} > 1.0`,
          `${number} > 1.`,
          `${number} > .5`,
          `${number} > 0x10`,
          `${number} > '1'`,
          `${number} > "1"`,
          `${number} > abc`,
          `${number} > 1 AND ${number} < 5`,
          `${number}>1`,
          `1 < ${number}`,
          `${number} > 1 2`,
          `${number} > 1_000`,
          `${number} LIKE '1'`,
          `${number} IN (1, 2)`,
          `${number} IS NULL`,
          `${number} > NaN`,
          `${number} > 'NaN'`,
          `${number} > inf`,
          `${number} > 99999999999999999999`,
          `${number} > 1e400`,
          `${number} = 0.1`,
          `${number} > --1`,
        ]),
  ]
}
