import TypeBox from 'typebox'
import { expect, it } from 'vitest'
import Type from './schema.ts'

/** One schema of every kind, built by the functions of either. */
function samples(build: typeof Type): unknown[] {
  const text = build.String({ minLength: 1, description: 'a text' })
  const row = build.Object(
    {
      required: text,
      optional: build.Optional(build.Integer({ minimum: 0 })),
      nested: build.Optional(build.Object({ only: build.Optional(build.Boolean()) })),
    },
    { $id: 'Row', additionalProperties: false },
  )
  return [
    row,
    build.Optional(row),
    build.Object({}),
    build.Array(row, { maxItems: 3 }),
    build.Union([build.Number({ maximum: 1 }), build.Null()], { description: 'a share' }),
    build.Enum(['auto', 'ask'], { default: 'ask' }),
    build.Record(build.String(), build.Unknown(), { maxProperties: 2 }),
    build.Literal('v1'),
    build.Literal(2),
    build.Literal(true),
    build.Unknown({ description: 'anything' }),
    build.Null(),
    build.Unsafe<string>({ type: 'string', format: 'uuid' }),
  ]
}

it('builds the schemas that TypeBox builds, key for key', () => {
  expect(JSON.stringify(samples(Type), null, 1)).toBe(
    JSON.stringify(samples(TypeBox as unknown as typeof Type), null, 1).replaceAll('"^.*$"', '"^"'),
  )
})

it('covers every function it offers', () => {
  const used = new Set<string>()
  const watched = new Proxy(Type, {
    get(all, name) {
      used.add(String(name))
      return Reflect.get(all, name)
    },
  })
  samples(watched)
  expect([...used].sort()).toEqual(Object.keys(Type).sort())
})

it('holds the keys of a record to their limits, which TypeBox forgets', () => {
  const record = Type.Record(Type.String({ maxLength: 3 }), Type.Number())
  expect(record).toEqual({
    type: 'object',
    patternProperties: { '^': { type: 'number' } },
    propertyNames: { type: 'string', maxLength: 3 },
  })
})

it('refuses a record whose keys are not texts, which it would not check', () => {
  expect(() => Type.Record(Type.Integer(), Type.String())).toThrow('The keys of a Record')
})
