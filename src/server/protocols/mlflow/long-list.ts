/**
 * An answer whose list may hold fifty thousand runs or a million points: it is made and written some at a time, so that
 * others get their turn and the memory of one batch is enough.
 */
export class LongList {
  readonly name: string
  readonly batches: AsyncIterable<readonly object[]>
  readonly rest: () => object

  /** @param rest the message's other fields, asked for when the list is over */
  constructor(name: string, batches: AsyncIterable<readonly object[]>, rest: () => object = () => ({})) {
    this.name = name
    this.batches = batches
    this.rest = rest
  }

  /** The JSON text in pieces; an empty list is left out. */
  async *text(encode: (message: object) => string): AsyncGenerator<string> {
    const opening = `{"${this.name}":[`
    let isFirst = true
    for await (const batch of this.batches) {
      if (batch.length === 0) continue
      const items = encode({ [this.name]: batch }).slice(opening.length, -']}'.length)
      yield isFirst ? opening + items : `,${items}`
      isFirst = false
      await new Promise((resolve) => setImmediate(resolve))
    }
    const rest = encode(this.rest())
    if (isFirst) yield rest
    else yield rest === '{}' ? ']}' : `],${rest.slice(1)}`
  }
}
