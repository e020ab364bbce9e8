import { randomBytes, scrypt as scryptCallback, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { badRequest } from '../../lib/errors.ts'

const scrypt = promisify(scryptCallback) as (
  password: string,
  salt: Buffer,
  length: number,
  options: object,
) => Promise<Buffer>

// OWASP's scrypt profile: N = 2^15, r = 8, p = 3 (32 MiB, about 0.1 s).
const COST = { N: 2 ** 15, r: 8, p: 3, maxmem: 64 * 1024 * 1024 }
const MIN_LENGTH = 10

/** @throws AppError bad_request when the password is too short */
export async function hashPassword(password: string): Promise<string> {
  if (password.length < MIN_LENGTH)
    throw badRequest(`The password needs at least ${MIN_LENGTH} characters.`, 'password')
  if (password.length > 1024) throw badRequest('The password may have at most 1024 characters.', 'password')
  const salt = randomBytes(16)
  const key = await scrypt(password.normalize('NFKC'), salt, 32, COST)
  return `scrypt$${COST.N}$${COST.r}$${COST.p}$${salt.toString('base64')}$${key.toString('base64')}`
}

/** Constant-time check. With `hash` null it does the same work and says no, so that unknown users take as long as known ones. */
export async function verifyPassword(password: string, hash: string | null): Promise<boolean> {
  const parts = (
    hash ?? 'scrypt$32768$8$3$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='
  ).split('$')
  const [, n, r, p, salt = '', key = ''] = parts
  const expected = Buffer.from(key, 'base64')
  const options = { N: Number(n), r: Number(r), p: Number(p), maxmem: COST.maxmem }
  const actual = await scrypt(
    password.slice(0, 1024).normalize('NFKC'),
    Buffer.from(salt, 'base64'),
    expected.length,
    options,
  )
  return timingSafeEqual(actual, expected) && hash !== null
}
