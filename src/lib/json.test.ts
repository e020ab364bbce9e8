import { expect, test } from 'vitest'
import { parseExact, stringifyMessage } from './json.ts'

test('integers beyond 2^53 survive both ways', () => {
  const text = '{"step":9007199254740993,"low":-9223372036854775808,"small":3,"value":1.5,"text":"9007199254740993"}'
  const value = parseExact(text) as Record<string, unknown>
  expect(value).toEqual({
    step: 9007199254740993n,
    low: -9223372036854775808n,
    small: 3,
    value: 1.5,
    text: '9007199254740993',
  })
  expect(stringifyMessage(value)).toBe(text)
})

test('unset and empty repeated fields are left out, empty messages and texts stay', () => {
  expect(stringifyMessage({ a: null, b: undefined, c: [], d: {}, e: '', f: 0, g: false })).toBe(
    '{"d":{},"e":"","f":0,"g":false}',
  )
})

test('numbers without a JSON word are texts', () => {
  expect(stringifyMessage({ a: Number.NaN, b: Number.POSITIVE_INFINITY, c: Number.NEGATIVE_INFINITY })).toBe(
    '{"a":"NaN","b":"Infinity","c":"-Infinity"}',
  )
})

test('a message that needs nothing special is written as one that does', () => {
  const plain = { a: [1, 'x', { b: true, c: { d: [0.5, -0] } }], e: '"\u2028', f: undefined, g: {}, h: new Date(0) }
  const withBig = stringifyMessage({ ...plain, z: 2n ** 60n })
  expect(stringifyMessage(plain)).toBe(withBig.replace(`,"z":${2n ** 60n}`, ''))
  expect(stringifyMessage({ a: [{ b: [] }, { c: [null] }] })).toBe('{"a":[{},{"c":[null]}]}')
})
