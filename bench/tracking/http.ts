import { connect, type Socket } from 'node:net'

/** What came back for one request. */
export type Answer = {
  status: number
  /** The body as it came; null when the caller only wanted it counted. */
  body: Buffer | null
  bodyBytes: number
}

/**
 * One keep-alive connection that sends one request at a time. It knows no more of HTTP/1.1 than a load generator must,
 * so that on a machine with two cores the server is what is measured and not the client: `node:http` needs several
 * times the processor time for each request.
 */
export class Lane {
  private socket: Socket | null = null
  private readonly host: string
  private readonly port: number
  private readonly head: string
  private parser: AnswerParser | null = null
  /** Sends the request in hand; once more when a connection that lay idle was closed just as it was used again. */
  private write = () => {}
  private mayRepeat = false
  private finish: ((error: Error | null, answer?: Answer) => void) | null = null

  /** @param headers lines that each request carries, such as `Authorization: Bearer …` */
  constructor(url: string, headers: readonly string[] = []) {
    const { hostname, port } = new URL(url)
    this.host = hostname
    this.port = Number(port)
    this.head = [`Host: ${hostname}:${port}`, ...headers].join('\r\n')
  }

  /**
   * Sends a request and waits for the whole answer.
   * @param countOnly leave the body's bytes where they are and count them (downloads)
   * @throws Error when the connection breaks before the answer is complete
   */
  send(method: string, path: string, body?: Buffer, contentType = 'application/json', countOnly = false) {
    return new Promise<Answer>((resolve, reject) => {
      if (this.finish !== null) throw new Error('This connection is busy: one request at a time.')
      this.parser = new AnswerParser(countOnly)
      this.finish = (error, answer) => {
        this.finish = null
        if (error !== null || answer === undefined) reject(error ?? new Error('no answer'))
        else resolve(answer)
      }
      const lines = body === undefined ? '' : `\r\nContent-Type: ${contentType}\r\nContent-Length: ${body.length}`
      const head = `${method} ${path} HTTP/1.1\r\n${this.head}${lines}\r\n\r\n`
      this.write = () => {
        const socket = this.socket ?? this.open()
        if (body === undefined) socket.write(head, 'latin1')
        else if (body.length < 65_536) socket.write(Buffer.concat([Buffer.from(head, 'latin1'), body]))
        else {
          socket.write(head, 'latin1')
          socket.write(body)
        }
      }
      this.mayRepeat = this.socket !== null
      this.write()
    })
  }

  close(): void {
    this.socket?.destroy()
    this.socket = null
  }

  private open(): Socket {
    const socket = connect({ host: this.host, port: this.port, noDelay: true })
    this.socket = socket
    socket.on('data', (chunk) => this.take(socket, chunk))
    const broken = (error: Error | null) => {
      if (this.socket !== socket) return
      this.socket = null
      if (this.mayRepeat && this.finish !== null) {
        this.mayRepeat = false
        this.write()
        return
      }
      const answer = error === null ? (this.parser?.atEnd() ?? null) : null
      if (answer !== null) this.finish?.(null, answer)
      else this.finish?.(error ?? new Error('The server closed the connection before the answer was complete.'))
    }
    socket.on('error', broken)
    socket.on('close', () => broken(null))
    return socket
  }

  private take(socket: Socket, chunk: Buffer): void {
    const parser = this.parser
    if (parser === null) return
    this.mayRepeat = false
    const answer = parser.take(chunk)
    if (answer === null) return
    this.parser = null
    if (parser.closes) {
      this.socket = null
      socket.removeAllListeners('close')
      socket.destroy()
    }
    this.finish?.(null, answer)
  }
}

/** Reads one answer: by Content-Length, chunked, or until the end of the connection. */
class AnswerParser {
  closes = false
  private readonly countOnly: boolean
  private pending: Buffer = Buffer.alloc(0)
  private status = 0
  /** Bytes of the body still to come; null: not known (chunked, or until the end). */
  private left: number | null = null
  private chunked = false
  private inBody = false
  private readonly parts: Buffer[] = []
  private count = 0

  constructor(countOnly: boolean) {
    this.countOnly = countOnly
  }

  take(chunk: Buffer): Answer | null {
    if (this.inBody && !this.chunked) return this.takeBody(chunk)
    this.pending = this.pending.length === 0 ? chunk : Buffer.concat([this.pending, chunk])
    if (!this.inBody) {
      const end = this.pending.indexOf('\r\n\r\n')
      if (end === -1) return null
      this.readHead(this.pending.toString('latin1', 0, end))
      this.pending = this.pending.subarray(end + 4)
      if (this.status === 100) return this.take(Buffer.alloc(0))
      this.inBody = true
      if (!this.chunked) {
        const rest = this.pending
        this.pending = Buffer.alloc(0)
        return this.takeBody(rest)
      }
    }
    return this.takeChunks()
  }

  /** The answer when the connection ended, for a body without a length. */
  atEnd(): Answer | null {
    return this.inBody && !this.chunked && this.left === null ? this.done() : null
  }

  private readHead(text: string): void {
    this.status = Number(text.slice(9, 12))
    const length = /\r\ncontent-length: *(\d+)/i.exec(text)
    this.chunked = /\r\ntransfer-encoding: *chunked/i.test(text)
    this.closes = /\r\nconnection: *close/i.test(text)
    this.left = length === null ? (this.status === 204 || this.status === 304 ? 0 : null) : Number(length[1])
  }

  private keep(bytes: Buffer): void {
    this.count += bytes.length
    if (!this.countOnly && bytes.length > 0) this.parts.push(bytes)
  }

  private takeBody(bytes: Buffer): Answer | null {
    this.keep(bytes)
    if (this.left === null) return null
    this.left -= bytes.length
    return this.left <= 0 ? this.done() : null
  }

  private takeChunks(): Answer | null {
    for (;;) {
      const lineEnd = this.pending.indexOf('\r\n')
      if (lineEnd === -1) return null
      const size = Number.parseInt(this.pending.toString('latin1', 0, lineEnd), 16)
      if (this.pending.length < lineEnd + 2 + size + 2) return null
      if (size === 0) return this.done()
      this.keep(this.pending.subarray(lineEnd + 2, lineEnd + 2 + size))
      this.pending = this.pending.subarray(lineEnd + 2 + size + 2)
    }
  }

  private done(): Answer {
    return { status: this.status, bodyBytes: this.count, body: this.countOnly ? null : Buffer.concat(this.parts) }
  }
}
