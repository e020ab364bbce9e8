import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

/** How the text of a setting is read. Each throws an Error that names the flag or variable (`name`) and what it must be. */

/** As it is. */
export const text = (value: string) => value
/** An absolute path; `~/` is the home folder. */
export const folder = (value: string) => resolve(value.startsWith('~/') ? join(homedir(), value.slice(2)) : value)
/** Comma-separated. */
export const list = (value: string) =>
  value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')

/** A whole number within limits. */
export function integer(min: number, max: number) {
  return (value: string, name: string): number => {
    const number = Number(value)
    if (!Number.isInteger(number) || number < min || number > max) {
      throw new Error(`${name} must be a whole number from ${min} to ${max}, got "${value}".`)
    }
    return number
  }
}

/** true or false, in the usual spellings. */
export function flag(value: string, name: string): boolean {
  if (['1', 'true', 'yes', 'on'].includes(value)) return true
  if (['0', 'false', 'no', 'off', ''].includes(value)) return false
  throw new Error(`${name} must be true or false, got "${value}".`)
}

/** A path without a slash at its end; empty for none. */
export function basePath(value: string, name: string): string {
  if (value === '' || value === '/') return ''
  if (!/^(\/[A-Za-z0-9._~-]+)+\/?$/.test(value)) throw new Error(`${name} must look like /mlops, got "${value}".`)
  return value.replace(/\/$/, '')
}

/** An http(s) URL without a slash at its end; empty for none. */
export function publicUrl(value: string, name: string): string {
  if (value === '') return ''
  if (!URL.canParse(value) || !/^https?:$/.test(new URL(value).protocol))
    throw new Error(`${name} must be an http(s) URL, got "${value}".`)
  return value.replace(/\/$/, '')
}

/** A prefix of keys in a bucket, with a slash at its end; empty for none. */
export function s3Prefix(value: string, name: string): string {
  const parts = value.split('/').filter((part) => part !== '')
  if (parts.some((part) => !/^[\w.!*'()-]+$/.test(part) || part === '..' || part === '.'))
    throw new Error(`${name} must be like trainyard/blobs, got "${value}".`)
  return parts.map((part) => `${part}/`).join('')
}

/** A secret of 16 characters or more; empty for none. */
export function secretKey(value: string, name: string): string {
  if (value !== '' && value.length < 16) throw new Error(`${name} must have 16 characters or more.`)
  return value
}

/** One of these words. */
export function choice<const T extends string>(...options: T[]) {
  return (value: string, name: string): T => {
    const found = options.find((option) => option === value)
    if (found === undefined) throw new Error(`${name} must be one of ${options.join(', ')}, got "${value}".`)
    return found
  }
}
