import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Received = { url: string; headers: IncomingHttpHeaders; body: string }
/** A status, or what to do instead of answering at once. */
export type Behaviour = { status: number; headers?: Record<string, string>; body?: string } | 'hang' | 'reset'

/** A real HTTP server that keeps what it is sent. `next` says how each request is answered, in order; then 200. */
export class Receiver {
  readonly received: Received[] = []
  readonly next: Behaviour[] = []
  readonly #server: Server
  #waiting: { count: number; resolve: () => void }[] = []

  private constructor(server: Server) {
    this.#server = server
  }

  static async open(): Promise<Receiver> {
    const server = createServer()
    const receiver = new Receiver(server)
    server.on('request', async (request, answer) => {
      const parts: Buffer[] = []
      for await (const part of request) parts.push(part as Buffer)
      const { url = '', headers } = request
      receiver.received.push({ url, headers, body: Buffer.concat(parts).toString('utf8') })
      receiver.#wake()
      const what = receiver.next.shift() ?? { status: 200 }
      if (what === 'reset') request.socket.destroy()
      else if (what !== 'hang') answer.writeHead(what.status, what.headers ?? {}).end(what.body ?? '')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return receiver
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  url(path = '/hook'): string {
    return `http://${this.host}${path}`
  }

  /** Resolves when `count` requests have come in altogether. */
  async until(count: number): Promise<Received[]> {
    if (this.received.length < count) await new Promise<void>((resolve) => this.#waiting.push({ count, resolve }))
    return this.received
  }

  #wake(): void {
    for (const waiter of this.#waiting) if (this.received.length >= waiter.count) waiter.resolve()
    this.#waiting = this.#waiting.filter((waiter) => this.received.length < waiter.count)
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
