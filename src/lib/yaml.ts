import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/**
 * Reads a YAML text: no custom tags, at most `maxAliasCount` aliases. The reader is loaded at its first use, since a
 * start needs none. @throws Error saying where the text is no YAML
 */
export function parseYaml(text: string, maxAliasCount = 100): unknown {
  const { parse } = require('yaml') as typeof import('yaml')
  return parse(text, { maxAliasCount })
}
