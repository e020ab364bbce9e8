import { badRequest } from './errors.ts'

const MAX_PATH_LENGTH = 1024
const MAX_SEGMENT_LENGTH = 255
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what is refused here
const FORBIDDEN = /[\u0000-\u001f\u007f\\]/
const DRIVE = /^[A-Za-z]:/

/**
 * Checks a path that a client gave for a file inside something of ours (an artifact, a dataset file) and returns its
 * NFC segments. Never `..`, `.`, empty, absolute, backslash, control characters, nor any of these hidden under one
 * or more layers of percent-encoding (contracts/security.md rows 1–23: one bug, bypassed fourteen times).
 * The caller maps the segments below a root of ours; no disk path is ever built from the string itself.
 * @throws AppError bad_request naming `field`
 */
export function pathSegments(path: string, field = 'path'): string[] {
  const refuse = (why: string) => badRequest(`Invalid path: ${field} ${why}.`, field)
  if (path.length > MAX_PATH_LENGTH) throw refuse(`is longer than ${MAX_PATH_LENGTH} characters`)
  for (const form of decodedForms(path, refuse)) {
    if (FORBIDDEN.test(form)) throw refuse('holds a backslash or a control character')
    if (form.startsWith('/') || DRIVE.test(form)) throw refuse('must be relative')
    if (form.split('/').some((part) => part === '..')) throw refuse('must not hold ".."')
  }
  const segments = path.normalize('NFC').split('/')
  for (const segment of segments) {
    if (segment === '' || segment === '.') throw refuse('holds an empty or "." segment')
    if (Buffer.byteLength(segment) > MAX_SEGMENT_LENGTH)
      throw refuse(`has a segment longer than ${MAX_SEGMENT_LENGTH} bytes`)
  }
  return segments
}

/** The path and each of its percent-decodings until nothing changes. */
function decodedForms(path: string, refuse: (why: string) => Error): string[] {
  const forms = [path]
  for (let current = path; ; ) {
    let next: string
    try {
      next = decodeURIComponent(current)
    } catch {
      return forms // a literal "%" that encodes nothing: legal in a file name
    }
    if (next === current) return forms
    if (forms.length > 8) throw refuse('is percent-encoded too many times')
    forms.push(next)
    current = next
  }
}
