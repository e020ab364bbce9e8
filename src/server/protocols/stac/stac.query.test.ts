import { describe, expect, it } from 'vitest'
import { fromQueryString, MAX_LIMIT, toCatalogQuery } from './stac.query.ts'

const query = (params: Parameters<typeof fromQueryString>[0]) => toCatalogQuery(fromQueryString(params))

describe('the parameters of a search', () => {
  it('clamps a limit that is too high', () => {
    expect(query({ limit: 1_000_000 }).limit).toBe(MAX_LIMIT)
    expect(query({}).limit).toBe(10)
  })

  it.each([
    ['2026-11-22T10:00:00Z', Date.UTC(2026, 10, 22, 10), Date.UTC(2026, 10, 22, 10)],
    ['2026-11-22T10:00:00.250+02:00', Date.UTC(2026, 10, 22, 8, 0, 0, 250), Date.UTC(2026, 10, 22, 8, 0, 0, 250)],
    ['../2026-11-22T10:00:00Z', null, Date.UTC(2026, 10, 22, 10)],
    ['2026-11-22T10:00:00Z/', Date.UTC(2026, 10, 22, 10), null],
  ])('reads datetime %s', (datetime, fromMs, toMs) => {
    expect(query({ datetime })).toMatchObject({ fromMs, toMs })
  })

  it.each([
    '2020-01-01',
    '/',
    '../..',
    '',
    '2026-02-30T00:00:00Z',
    'a/b/c',
    '2026-01-02T00:00:00Z/2026-01-01T00:00:00Z',
    '2026-11-22T10:00:00',
  ])('refuses datetime "%s"', (datetime) => {
    expect(() => query({ datetime })).toThrow(expect.objectContaining({ code: 'bad_request', field: 'datetime' }))
  })

  it.each(['1,2,3', '1,2,3,x', '0,10,0,-10', '1,2,3,4,5', '', '0,0,9,1,1,5'])('refuses bbox %s', (bbox) => {
    expect(() => query({ bbox })).toThrow(expect.objectContaining({ field: 'bbox' }))
  })

  it('takes a box over the antimeridian, a flat one and one with heights', () => {
    for (const bbox of ['170,-10,-170,10', '5,5,5,5', '0,0,0,1,1,1']) expect(query({ bbox }).placed).toBe(true)
  })

  it('takes each kind of geometry, and not both bbox and intersects', () => {
    const collection = { type: 'GeometryCollection', geometries: [{ type: 'Point', coordinates: [1, 2] }] }
    expect(query({ intersects: JSON.stringify(collection) }).placed).toBe(true)
    expect(() => query({ intersects: '{"type":"Circle"}' })).toThrow(expect.objectContaining({ field: 'intersects' }))
    expect(() => query({ intersects: '{' })).toThrow(expect.objectContaining({ field: 'intersects' }))
    expect(() => query({ intersects: JSON.stringify(collection), bbox: '0,0,1,1' })).toThrow(
      expect.objectContaining({ field: 'intersects' }),
    )
  })

  it('reads sort terms with "+" as a space', () => {
    expect(query({ sortby: ' id,-properties.datetime,+version' }).sort).toEqual([
      { column: 'id_key', descending: false },
      { column: 'created_at_ms', descending: true },
      { column: 'version', descending: false },
    ])
    expect(() => query({ sortby: 'colour' })).toThrow(expect.objectContaining({ field: 'sortby' }))
  })
})
