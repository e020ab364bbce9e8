import { describe, expect, test } from 'vitest'
import * as wire from './wire.ts'

const JSON_TYPE = { 'content-type': 'application/json' }

describe('decoding', () => {
  test('takes camelCase names at every depth, and run_uuid for run_id', () => {
    expect(wire.decodeMessage({ runUuid: 'r', metrics: [{ datasetName: 'd' }], unknown: 1 })).toEqual({
      run_uuid: 'r',
      run_id: 'r',
      metrics: [{ dataset_name: 'd' }],
      unknown: 1,
    })
    expect(wire.decodeMessage({ run_id: 'a', run_uuid: 'b' }).run_id).toBe('a')
  })

  test('refuses a field in two spellings, and NUL', () => {
    expect(() => wire.decodeMessage({ run_id: 'a', runId: 'a' })).toThrow(/two spellings/)
    expect(() => wire.decodeMessage({ tags: [{ key: 'a', value: 'x\0' }] })).toThrow(/NUL/)
  })

  test('takes nothing over from prototypes', () => {
    const message = wire.decodeMessage(JSON.parse('{"__proto__": {"run_id": "x"}}'))
    expect(message.run_id).toBeUndefined()
    expect(Object.getPrototypeOf(message)).toBe(Object.prototype)
  })

  test('what is no message is an empty one', () => {
    for (const value of [null, 3, 'x', [], undefined]) expect(wire.decodeMessage(value)).toEqual({})
  })
})

describe('fields', () => {
  test('a missing or empty required text has the words the clients know', () => {
    const words =
      "Missing value for required parameter 'key'. See the API docs for more information about request parameters."
    for (const message of [{}, { key: '' }, { key: null }])
      expect(() => wire.requiredString(message, 'key')).toThrow(words)
    expect(() => wire.requiredString({ key: 123 }, 'key')).toThrow(
      "Invalid value 123 for parameter 'key' supplied. Hint: Value was of type 'int'.",
    )
    expect(() => wire.keyValueList({ tags: [{ key: 'a' }, {}] }, 'tags')).toThrow(/'tags\[1\]\.key'/)
  })

  test('int64 is a number or a decimal text, and stays exact', () => {
    const read = (value: unknown) => wire.optionalInt64({ value }, 'value')
    expect(['5', 5, '-7', 9007199254740993n, '9223372036854775807', undefined].map(read)).toEqual([
      5,
      5,
      -7,
      9007199254740993n,
      9223372036854775807n,
      undefined,
    ])
    for (const wrong of ['1.5', 1.5, '9223372036854775808', true, [], 'x', 1e300]) {
      expect(() => read(wrong), String(wrong)).toThrow(/Invalid value/)
    }
  })

  test('doubles come as numbers or texts, also those that JSON cannot say', () => {
    const read = (value: unknown) => wire.optionalDouble({ value }, 'value')
    expect(['NaN', '-Infinity', 'Infinity', '1e3', 2, 3n].map(read)).toEqual([
      Number.NaN,
      -Infinity,
      Infinity,
      1000,
      2,
      3,
    ])
    for (const wrong of ['nan', 'x', true, {}]) expect(() => read(wrong)).toThrow(/Invalid value/)
  })

  test('a boolean of a query is written as one likes, that of a body as JSON has it', () => {
    const read = (valid: unknown, method = 'GET') => {
      const asked = { method, query: { valid }, body: JSON.stringify({ valid }), headers: JSON_TYPE }
      return wire.optionalBoolean(wire.decodeRequest(asked as never), 'valid')
    }
    expect(['true', 'True', 'FALSE', undefined].map((text) => read(text))).toEqual([true, true, false, undefined])
    for (const wrong of ['', '1', 'yes']) expect(() => read(wrong), wrong).toThrow(/Invalid value/)
    expect([true, 'false'].map((value) => read(value, 'POST'))).toEqual([true, false])
    expect(() => read('True', 'POST')).toThrow(/Invalid value/)
  })

  test('enums are known by name or number; other names are unset, other numbers refused', () => {
    const statuses = { RUNNING: 1, FINISHED: 3 } as const
    const read = (status: unknown) => wire.optionalEnum({ status }, 'status', statuses)
    expect(['FINISHED', 3, '3', 'SLEEPING', undefined].map(read)).toEqual([
      'FINISHED',
      'FINISHED',
      'FINISHED',
      undefined,
      undefined,
    ])
    expect(() => read(9)).toThrow(/Invalid value 9/)
  })
})
