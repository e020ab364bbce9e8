import { expect, test } from 'vitest'
import { asCurl, asPython, pythonLiteral } from './api-call.ts'

const call = { method: 'PUT', url: 'http://h/api/v1/x', body: { name: "it's", on: true, off: null } } as const

test('a call can be pasted into a shell', () => {
  expect(asCurl(call, false)).toBe(
    `curl -sS -X PUT 'http://h/api/v1/x' \\\n  -H 'content-type: application/json' \\\n  -d '{"name":"it'\\''s","on":true,"off":null}'`,
  )
  expect(asCurl({ method: 'GET', url: 'http://h/' }, true)).toBe(
    `curl -sS 'http://h/' \\\n  -H "Authorization: Bearer $MLFLOW_TRACKING_TOKEN"`,
  )
})

test('and into Python', () => {
  expect(pythonLiteral([{ a: 1 }, null, false])).toBe('[{"a": 1}, None, False]')
  expect(asPython(call, false)).toContain('"on": True,\n        "off": None,')
  expect(asPython({ method: 'DELETE', url: 'http://h/' }, true)).not.toContain('json()')
})
