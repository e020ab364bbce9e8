import { expect, test } from 'vitest'
import { readDocument } from './document.ts'

test('an operation becomes flat lists of fields, references and nullables included', () => {
  const { operations } = readDocument({
    info: { title: 'T', version: '1' },
    components: {
      schemas: {
        Item: { type: 'object', required: ['id'], properties: { id: { type: 'string', description: 'Which.' } } },
      },
    },
    paths: {
      '/things/{id}': {
        put: {
          tags: ['things'],
          summary: 'Change a thing',
          parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
          requestBody: {
            content: {
              'application/json': { schema: { type: 'object', properties: { state: { enum: ['on', 'off'] } } } },
            },
          },
          responses: {
            200: {
              content: {
                'application/json': {
                  schema: {
                    type: 'object',
                    required: ['items'],
                    properties: {
                      items: { type: 'array', items: { $ref: '#/components/schemas/Item' } },
                      last: { anyOf: [{ $ref: '#/components/schemas/Item' }, { type: 'null' }] },
                    },
                  },
                },
              },
            },
            400: {},
          },
        },
      },
    },
  })
  const [operation] = operations
  expect(operation).toMatchObject({ id: 'put-things-id', method: 'PUT', tag: 'things', summary: 'Change a thing' })
  expect(operation?.parameters).toEqual([
    { name: 'id (path)', type: 'string', required: true, description: '', depth: 0 },
  ])
  expect(operation?.body.map((field) => `${field.name}: ${field.type}`)).toEqual(['state: "on" | "off"'])
  expect(operation?.answers).toHaveLength(1)
  expect(operation?.answers[0]?.fields.map((field) => `${field.depth} ${field.name} ${field.type}`)).toEqual([
    '0 items object[]',
    '1 id string',
    '0 last object | null',
    '1 id string',
  ])
})
