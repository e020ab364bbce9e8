import type * as TypeBox from 'typebox'

/**
 * The JSON schemas of the routes, with TypeBox's types (`Static` infers from them) and without its 700 modules: importing
 * those took a tenth of a second of each start and 20 MB for as long as the server runs. Each function gives the schema
 * that TypeBox's function of the same name gives; `schema.test.ts` compares them. Add one here when it is needed.
 */
type Builders = Pick<
  typeof TypeBox.Type,
  | 'Array'
  | 'Boolean'
  | 'Enum'
  | 'Integer'
  | 'Literal'
  | 'Null'
  | 'Number'
  | 'Object'
  | 'Optional'
  | 'Record'
  | 'String'
  | 'Union'
  | 'Unknown'
  | 'Unsafe'
>
type Schema = Readonly<Record<string, unknown>>

/** Marks what `Object` leaves out of `required`. Not a property of the schema: it is no word of JSON Schema. */
const optional = new WeakSet<object>()

const builders = {
  Array: (items: Schema, options?: Schema) => ({ type: 'array', items, ...options }),
  Boolean: (options?: Schema) => ({ type: 'boolean', ...options }),
  Enum: (values: unknown[], options?: Schema) => ({ enum: values, ...options }),
  Integer: (options?: Schema) => ({ type: 'integer', ...options }),
  Literal: (value: unknown, options?: Schema) => ({ type: typeof value, const: value, ...options }),
  Null: (options?: Schema) => ({ type: 'null', ...options }),
  Number: (options?: Schema) => ({ type: 'number', ...options }),
  Object(properties: Record<string, Schema>, options?: Schema) {
    const required = Object.keys(properties).filter((key) => !optional.has(properties[key] as Schema))
    return { type: 'object', ...(required.length > 0 ? { required } : {}), properties, ...options }
  },
  Optional(schema: Schema) {
    const copy = { ...schema }
    optional.add(copy)
    return copy
  },
  Record(key: Schema, value: Schema, options?: Schema) {
    if (key.type !== 'string') throw new Error('The keys of a Record are Type.String().')
    // `^` is every key; TypeBox's `^.*$` leaves those with a line break unchecked, and out of answers. And it forgets limits.
    const limits = Object.keys(key).length > 1 ? { propertyNames: key } : {}
    return { type: 'object', patternProperties: { '^': value }, ...limits, ...options }
  },
  String: (options?: Schema) => ({ type: 'string', ...options }),
  Union: (anyOf: Schema[], options?: Schema) => ({ anyOf, ...options }),
  Unknown: (options?: Schema) => ({ ...options }),
  Unsafe: (schema: Schema) => ({ ...schema }),
}

const Type = builders as unknown as Builders
declare namespace Type {
  export type TSchema = TypeBox.TSchema
}
export default Type
export type Static<T extends TypeBox.TSchema> = TypeBox.Static<T>
