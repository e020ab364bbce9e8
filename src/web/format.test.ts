import { expect, test } from 'vitest'
import { formatBytes, formatDuration, formatNumber, formatRelative, formatShare } from './format.ts'

const plain = (text: string) => text.replaceAll('\u00a0', ' ')

test('numbers keep four significant digits and whole numbers stay whole', () => {
  expect([0.871349, 32561, 1234567.8, 0.00000123456, -0.5, null, Number.NaN, 0].map(formatNumber)).toEqual([
    '0.8713',
    '32,561',
    '1,235,000',
    '1.235e−6',
    '−0.5',
    '–',
    'NaN',
    '0',
  ])
})

test('sizes are binary, durations show two units', () => {
  expect([0, 1023, 1024, 1536 * 1024, 5 * 1024 ** 4].map((n) => plain(formatBytes(n)))).toEqual(
    ['0 B', '1,023 B', '1 KiB', '1.5 MiB', '5 TiB'].map((t) => t.replace('1,023', '1023')),
  )
  expect([0.42, 840, 4200, 134_000, 120_000, 11_100_000, 187_200_000].map((n) => plain(formatDuration(n)))).toEqual([
    '0.4 ms',
    '840 ms',
    '4.2 s',
    '2 m 14 s',
    '2 m',
    '3 h 5 m',
    '2 d 4 h',
  ])
})

test('times are relative until they are old', () => {
  const now = Date.UTC(2026, 5, 1)
  expect(
    [2_000, 30_000, 240_000, 3 * 3_600_000, 30 * 3_600_000, 5 * 86_400_000].map((age) =>
      plain(formatRelative(now - age, now)),
    ),
  ).toEqual(['just now', '30 s ago', '4 min ago', '3 h ago', 'yesterday', '5 d ago'])
  expect(formatRelative(now - 90 * 86_400_000, now)).toContain('2026')
})

test('a tiny share is not nothing', () => {
  expect([0, 0.0002, 0.123456, 1].map((share) => plain(formatShare(share)))).toEqual([
    '0 %',
    '<0.1 %',
    '12.3 %',
    '100 %',
  ])
})
