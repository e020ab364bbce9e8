import { stringifyMessage } from '../../../lib/json.ts'

/**
 * An answer whose list may hold fifty thousand runs or a million points: it is made and written some at a time, so that
 * others get their turn and the memory of one batch is enough.
 */
export class LongList {
  readonly name: string
  readonly batches: AsyncIterable<string>
  readonly rest: object

  /**
   * @param batches the list's items as JSON text with commas between them; an empty text is a batch of none
   * @param rest the message's other fields
   */
  constructor(name: string, batches: AsyncIterable<string>, rest: object = {}) {
    this.name = name
    this.batches = batches
    this.rest = rest
  }

  /** The message's JSON text in pieces; an empty list is left out. */
  async *text(): AsyncGenerator<string> {
    let isFirst = true
    for await (const items of this.batches) {
      if (items === '') continue
      yield isFirst ? `{"${this.name}":[${items}` : `,${items}`
      isFirst = false
      await new Promise((resolve) => setImmediate(resolve))
    }
    const rest = stringifyMessage(this.rest)
    if (isFirst) yield rest
    else yield rest === '{}' ? ']}' : `],${rest.slice(1)}`
  }
}
