import { createHmac, randomBytes } from 'node:crypto'
import { createGate } from '../../lib/gate.ts'
import { verifyPassword } from './passwords.ts'
import { createLoginThrottle } from './throttle.ts'

/** One check takes 32 MiB and a tenth of a second of one of the four threads that files are read by, too. */
const MAX_AT_ONCE = 2
const MAX_WAITING = 100
/** A client with a name and password sends them with every request. */
const REMEMBER_MS = 5 * 60_000
const MAX_REMEMBERED = 1_000

export type Logins = {
  /**
   * Whether the password is right. `hash` null (no such user, or none with a password) takes as long and is never right.
   * @throws AppError too_many_requests, unavailable (too many at once)
   */
  check(name: string, password: string, hash: string | null, address: string): Promise<boolean>
}

/**
 * The one place where passwords are checked: throttled, few at a time, and each right one once in a while only. What is
 * remembered is a keyed digest (the key lives in this process alone) of name, password and stored hash: it says no
 * password, and a changed or removed one is not found any more.
 */
export function createLogins(now: () => number): Logins {
  const throttle = createLoginThrottle(now)
  const key = randomBytes(32)
  const remembered = new Map<string, { answer: Promise<boolean>; untilMs: number }>()
  const gate = createGate(MAX_AT_ONCE, MAX_WAITING, 'Too many sign-ins at once; try again in a moment.')

  async function verify(name: string, password: string, hash: string | null, address: string): Promise<boolean> {
    const attempt = throttle.begin(name, address)
    try {
      const right = await gate(() => verifyPassword(password, hash))
      if (right) attempt.right()
      return right
    } catch (error) {
      attempt.undecided()
      throw error
    }
  }

  return {
    async check(name, password, hash, address) {
      const digest = createHmac('sha256', key)
        .update(JSON.stringify([name, password, hash]))
        .digest('base64')
      const known = remembered.get(digest)
      if (known !== undefined && known.untilMs > now()) return known.answer
      const answer = verify(name, password, hash, address)
      // Requests that come at once share one check; only a right password stays.
      if (remembered.size >= MAX_REMEMBERED) remembered.delete(remembered.keys().next().value ?? '')
      remembered.set(digest, { answer, untilMs: now() + REMEMBER_MS })
      const forget = () => void remembered.delete(digest)
      answer.then((right) => (right ? undefined : forget()), forget)
      return answer
    },
  }
}
