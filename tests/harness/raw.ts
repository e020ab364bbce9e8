import { connect } from 'node:net'

/**
 * Sends bytes as they are (a path that no HTTP client would send, half a request) and returns all that came back until
 * the server closed the connection or `waitMs` passed.
 */
export async function sendRaw(
  url: string,
  bytes: string | Buffer,
  waitMs = 1_500,
): Promise<{ text: string; closed: boolean }> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const chunks: Buffer[] = []
  let closed = false
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.on('close', () => {
    closed = true
  })
  socket.on('error', () => {})
  socket.write(bytes)
  const until = Date.now() + waitMs
  while (!closed && Date.now() < until) await new Promise((resolve) => setTimeout(resolve, 20))
  socket.destroy()
  return { text: Buffer.concat(chunks).toString('utf8'), closed }
}
