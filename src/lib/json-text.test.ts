import { describe, expect, it } from 'vitest'
import { AppError } from './errors.ts'
import { parseForeignJson, parseJsonBody } from './json-text.ts'

function refusal(text: string | Buffer): { field: string | undefined; message: string } {
  try {
    parseJsonBody(text)
  } catch (error) {
    if (error instanceof AppError && error.status === 400) return { field: error.field, message: error.message }
    throw error
  }
  throw new Error('was accepted')
}

describe('JSON from outside', () => {
  it('is read as JSON.parse reads it', () => {
    for (const text of [
      '{"a":[1,"\\"]]]","x\\\\"],"b":{}}',
      '"[[["',
      '[]',
      'null',
      '"\\ud83d\\ude00"',
      '[1,{"a":"}"}]',
    ])
      expect(parseForeignJson(text)).toEqual(JSON.parse(text))
    expect(parseJsonBody(Buffer.from('\ufeff{"a":"é"}'))).toEqual({ a: 'é' })
  })

  it('may be nested, but not deeper than any message is', () => {
    const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`
    expect(parseForeignJson(nested(100))).toBeInstanceOf(Array)
    expect(refusal(nested(101)).message).toContain('nested deeper')
    expect(refusal('{"a":'.repeat(200_000)).message).toContain('nested deeper')
    // Brackets in a text are no nesting, whatever quotes stand before them.
    expect(parseForeignJson(JSON.stringify({ a: '\\"', b: '['.repeat(500) }))).toBeTruthy()
  })

  it('holds no text that could not be stored exactly, and the refusal says where', () => {
    expect(refusal('{"rows":[{"name":"a\\u0000b"}]}').field).toBe('body.rows[0].name')
    expect(refusal('{"tags":{"a\\u0000":1}}').field).toBe('body.tags')
    expect(refusal('["\\ud83d"]').message).toContain('surrogate')
    expect(refusal('["\\udE00\\ud83d"]').field).toBe('body[0]')
    expect(refusal('"\\u0000"').field).toBe('body')
  })

  it('names no prototype', () => {
    expect(refusal('{"a":{"__proto__":{"admin":true}}}').field).toBe('body.a.__proto__')
    expect(refusal('{"\\u005f_proto__":{}}').field).toBe('body.__proto__')
    expect(parseForeignJson('{"a":"__proto__"}')).toEqual({ a: '__proto__' })
  })

  it('says what is malformed', () => {
    expect(refusal('{"name":').message).toMatch(/^The body is not valid JSON: .+\.$/)
    expect(refusal(Buffer.from([0x7b, 0xff, 0x7d])).message).toContain('UTF-8')
  })

  it('holds only so much that others do not have to wait for it', () => {
    for (const text of [
      `[${'{},'.repeat(300_000)}{}]`,
      `{${'"a":1,'.repeat(600_000)}"a":1}`,
      `[${'0,'.repeat(3_500_000)}0]`,
    ])
      expect(() => parseJsonBody(text)).toThrow('send less at once')
    expect(parseJsonBody(`[${'0.25,'.repeat(1_000_000)}0]`)).toHaveLength(1_000_001)
  })

  it('holds so many different names only as do not take long to build', () => {
    let name = 0
    const object = () => `{${Array.from({ length: 100 }, () => `"k${name++}":1`).join(',')}}`
    const rows = (count: number) => `[${Array.from({ length: count }, object).join(',')}]`
    expect(() => parseJsonBody(rows(600))).toThrow('different names of fields')
    expect(parseJsonBody(rows(400))).toHaveLength(400)
  })

  it('costs little for a large text', () => {
    const large = JSON.stringify({ rows: Array.from({ length: 150_000 }, (_, i) => ({ i, name: 'x'.repeat(40) })) })
    const parsing = time(() => JSON.parse(large))
    expect(time(() => parseForeignJson(large))).toBeLessThan(parsing * 6 + 100)
  })
})

/** Milliseconds of the fastest of three: what else the machine does is left out. */
function time(work: () => unknown): number {
  const once = () => {
    const started = performance.now()
    work()
    return performance.now() - started
  }
  return Math.min(once(), once(), once())
}
