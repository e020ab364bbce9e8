import type { FastifyReply, FastifyRequest } from 'fastify'

const KEEP_ALIVE_MS = 15_000
/** A reader that lets so much pile up has stopped reading; it may connect again and go on where it was. */
const MAX_UNREAD_BYTES = 8 * 1024 * 1024

export type EventStream = {
  send(event: string, data: unknown, id?: string): void
  onClose(callback: () => void): void
  close(): void
}

const open = new Set<EventStream>()

/**
 * Takes the reply over as a stream of server-sent events, with a comment every 15 s so that proxies keep it open. As often
 * it is asked again whether the reader may still read: the stream of a removed member or a revoked token ends.
 */
export function openEventStream(request: FastifyRequest, reply: FastifyReply): EventStream {
  reply.hijack()
  const { raw } = reply
  raw.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
    'x-content-type-options': 'nosniff',
    'x-request-id': request.id,
  })
  raw.write(': connected\n\n')
  const callbacks: (() => void)[] = []
  const timer = setInterval(async () => {
    if (await request.stillAllowed()) write(': keep-alive\n\n')
    else raw.end()
  }, KEEP_ALIVE_MS)
  const write = (text: string) => {
    if (raw.writableEnded) return
    if (raw.writableLength > MAX_UNREAD_BYTES) raw.destroy()
    else raw.write(text)
  }
  const stream: EventStream = {
    send(event, data, id) {
      write(`${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
    },
    onClose: (callback) => callbacks.push(callback),
    close: () => raw.end(),
  }
  open.add(stream)
  raw.on('close', () => {
    clearInterval(timer)
    open.delete(stream)
    for (const callback of callbacks) callback()
  })
  return stream
}

/** At shutdown: streams never end by themselves. */
export function closeEventStreams(): void {
  for (const stream of [...open]) stream.close()
}
