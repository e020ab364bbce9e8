import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Ajv, type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'
import { PACKAGE_ROOT } from '../../src/lib/package-root.ts'

/** Copies of the STAC schemas by host and path, beside the checkout: validation needs no network. */
const SCHEMAS = resolve(PACKAGE_ROOT, '..', 'shared', 'schemas')
const CORE: Record<string, string> = {
  Feature: 'item-spec/json-schema/item.json',
  Collection: 'collection-spec/json-schema/collection.json',
  Catalog: 'catalog-spec/json-schema/catalog.json',
}

type StacDocument = { type: string; stac_version: string; stac_extensions?: string[] }
export type StacValidator = (document: unknown) => Promise<string[]>

/**
 * What the STAC schemas have against a document: the core's and that of every extension it names; empty when it is valid.
 * Null when there are no schemas on this machine, which is said aloud and is an error in CI.
 */
export function stacValidator(): StacValidator | null {
  if (!existsSync(SCHEMAS)) {
    if (process.env.CI !== undefined) throw new Error(`The STAC schemas are missing: ${SCHEMAS}`)
    console.warn(`!! No STAC schemas at ${SCHEMAS}: the catalogue's documents are NOT checked against them.`)
    return null
  }
  const ajv = new Ajv({ strict: false, allErrors: true, loadSchema: async (uri) => readSchema(uri) })
  ;(addFormats as unknown as (target: Ajv) => void)(ajv)
  for (const format of ['iri', 'iri-reference']) ajv.addFormat(format, (text: string) => !/[\s<>"{}|\\^`]/.test(text))
  const compiled = new Map<string, Promise<ValidateFunction>>()
  const compile = (uri: string) => {
    const known = compiled.get(uri) ?? ajv.compileAsync({ $ref: uri })
    compiled.set(uri, known)
    return known
  }
  return async (document) => {
    const { type, stac_version, stac_extensions = [] } = document as StacDocument
    const core = `https://schemas.stacspec.org/v${stac_version}/${CORE[type]}`
    const errors: string[] = []
    for (const uri of [core, ...stac_extensions]) {
      const validate = await compile(uri)
      if (!validate(document))
        errors.push(...(validate.errors ?? []).map((error) => `${uri}: ${error.instancePath} ${error.message}`))
    }
    return errors
  }
}

function readSchema(uri: string): { $id?: string } {
  const { host, pathname } = new URL(uri)
  const path = join(SCHEMAS, host, ...pathname.split('/').filter((part) => part !== '' && part !== '..'))
  const schema = JSON.parse(readFileSync(path, 'utf8')) as { $id?: string }
  // PROJ-JSON names itself by another address than the one it is fetched from.
  return { ...schema, $id: uri }
}
