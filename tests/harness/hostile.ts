/** Deterministic numbers in [0, 1) (mulberry32): the same seed fires the same requests. */
export function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

export function pick<T>(next: () => number, from: readonly T[]): T {
  return from[Math.floor(next() * from.length)] as T
}

/** JSON has numbers that JavaScript has no literal for: they stand in a body as these texts, and are replaced in the bytes. */
const RAW_NUMBERS = [
  '1e400',
  '-1e400',
  '9223372036854775808',
  '-9223372036854775809',
  '1e-400',
  '123456789012345678901234567890',
]

export const HOSTILE_TEXTS: readonly string[] = [
  '',
  ' ',
  'a\0b',
  '\ud800',
  "'; DROP TABLE runs; --",
  "a' OR '1'='1",
  '%',
  '%_%',
  '%00',
  '%2e%2e%2f%2e%2e%2fetc%2fpasswd',
  '../../../../etc/passwd',
  '..\\..\\windows',
  '/etc/passwd',
  'file:///etc/passwd',
  '__proto__',
  'constructor',
  'toString',
  'x'.repeat(20_000),
  '9'.repeat(400),
  '99999999999',
  '-1',
  '0',
  '1.5',
  '1e308',
  'NaN',
  'Infinity',
  '\n\r\t\u001b[31m',
  '<script>alert(1)</script>',
  '😀'.repeat(300),
  '\u202etxt.exe',
  '\\',
  '`"\'$(id)',
  '[',
  '{"a":',
  'null',
  'a,b',
  'a@1',
  '@',
  'metrics.a > 1',
  'a = ',
  '2020-13-45T99:99:99Z',
  'MTIzNDU2Nzg5MA==',
]

const HOSTILE_VALUES: readonly unknown[] = [
  null,
  true,
  [],
  {},
  [[]],
  [null],
  [{}],
  { a: {} },
  -1,
  0,
  1.5,
  1e308,
  2 ** 31,
  2 ** 53,
  2 ** 63,
  -(2 ** 63),
  5e-324,
  ...RAW_NUMBERS.map((raw) => `@@${raw}@@`),
  Array.from({ length: 3_000 }, () => 'x'),
  Array.from({ length: 60 }).reduce((inner) => [inner], 'deep'),
]

export function hostileValue(next: () => number): unknown {
  return next() < 0.5 ? pick(next, HOSTILE_TEXTS) : structuredClone(pick(next, HOSTILE_VALUES))
}

/** The bytes of a body, with the numbers that JSON.stringify cannot write. */
export function bytesOf(body: unknown): string {
  return JSON.stringify(body).replace(/"@@(.*?)@@"/g, '$1')
}

/** A copy of a message in which up to three places hold something else, are missing, or are of another kind. */
export function spoiled(next: () => number, message: unknown): unknown {
  let copy = structuredClone(message)
  const changes = pick(next, [0, 1, 1, 1, 2, 3])
  for (let i = 0; i < changes; i++) {
    const places = placesOf(copy)
    const place = places.length === 0 || next() < 0.03 ? undefined : pick(next, places)
    if (place === undefined) copy = hostileValue(next)
    else if (next() < 0.15) Reflect.deleteProperty(place.in, place.key)
    else if (next() < 0.1) place.in[pick(next, HOSTILE_TEXTS)] = hostileValue(next)
    else place.in[place.key] = hostileValue(next)
  }
  return copy
}

type Place = { in: Record<string, unknown>; key: string }

function placesOf(value: unknown): Place[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value as Record<string, unknown>)
    .slice(0, 20)
    .flatMap(([key, field]) => [{ in: value as Record<string, unknown>, key }, ...placesOf(field)])
}

type Schema = {
  type?: string
  enum?: unknown[]
  const?: unknown
  anyOf?: Schema[]
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  minimum?: number
  patternProperties?: Record<string, Schema>
}

/** A value that a schema likely accepts; `known` gives real values by the field's name. */
export function sample(next: () => number, schema: Schema, known: Record<string, unknown>, name = ''): unknown {
  if (name in known && next() < 0.9) return known[name]
  if (schema.const !== undefined) return schema.const
  if (schema.enum !== undefined) return pick(next, schema.enum)
  if (schema.anyOf !== undefined) return sample(next, pick(next, schema.anyOf), known, name)
  if (schema.type === 'object' || schema.properties !== undefined) {
    const fields = Object.entries(schema.properties ?? {}).filter(
      ([key]) => schema.required?.includes(key) === true || next() < 0.6,
    )
    return Object.fromEntries(fields.map(([key, field]) => [key, sample(next, field, known, key)]))
  }
  if (schema.type === 'array') return [sample(next, schema.items ?? {}, known, name)]
  if (schema.type === 'integer' || schema.type === 'number') return Math.max(schema.minimum ?? 0, 1)
  if (schema.type === 'boolean') return next() < 0.5
  return 'text'
}
