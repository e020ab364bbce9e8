import { AppError } from '../../lib/errors.ts'

/** Wrong passwords that one address may send for one name, and for all names together, in one window. */
const MAX_PER_NAME = 10
const MAX_PER_ADDRESS = 100
const WINDOW_MS = 15 * 60_000
const MAX_KEYS = 10_000

/**
 * Slows password guessing, over sign-in and `Authorization: Basic` together. An attempt counts when it begins, so that a
 * thousand guesses at once are no way around it, and is taken back when the password was right.
 */
export function createLoginThrottle(now: () => number) {
  const attempts = new Map<string, { count: number; firstAtMs: number }>()

  function current(key: string): { count: number; firstAtMs: number } | undefined {
    const entry = attempts.get(key)
    if (entry === undefined || entry.firstAtMs + WINDOW_MS > now()) return entry
    attempts.delete(key)
    return undefined
  }

  function count(key: string): void {
    const entry = current(key)
    if (entry !== undefined) entry.count += 1
    else {
      if (attempts.size >= MAX_KEYS) attempts.delete(attempts.keys().next().value ?? '')
      attempts.set(key, { count: 1, firstAtMs: now() })
    }
  }

  function takeBack(key: string): void {
    const entry = attempts.get(key)
    if (entry !== undefined && --entry.count <= 0) attempts.delete(key)
  }

  return {
    /**
     * Counts an attempt. @returns what to call when it was no wrong password: `right` also forgets the name's earlier ones
     * @throws AppError too_many_requests
     */
    begin(name: string, address: string): { right(): void; undecided(): void } {
      const place = networkOf(address)
      const keys = { name: `${name}\n${place}`, address: place }
      for (const [key, limit] of [
        [keys.name, MAX_PER_NAME],
        [keys.address, MAX_PER_ADDRESS],
      ] as const) {
        const entry = current(key)
        if (entry === undefined || entry.count < limit) continue
        throw new AppError('too_many_requests', 'Too many failed sign-ins; wait a while and try again.', {
          retryAfterSeconds: Math.ceil((entry.firstAtMs + WINDOW_MS - now()) / 1000),
        })
      }
      count(keys.name)
      count(keys.address)
      return {
        right() {
          attempts.delete(keys.name)
          takeBack(keys.address)
        },
        undecided() {
          takeBack(keys.name)
          takeBack(keys.address)
        },
      }
    },
  }
}

/** Whoever has one IPv6 address has its whole /64. */
function networkOf(address: string): string {
  if (!address.includes(':') || address.includes('.')) return address
  const [head = '', tail] = address.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? [] : Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0')
  return [...left, ...zeros, ...right].slice(0, 4).join(':')
}
