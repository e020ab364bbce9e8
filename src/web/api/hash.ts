/** A browser computes a hash of a whole file in memory; larger ones go by the command line. */
export const BROWSER_MAX_BYTES = 256 * 1024 * 1024

let worker: Worker | undefined
let nextId = 1
const waiting = new Map<number, { resolve: (sha256: string) => void; reject: (error: Error) => void }>()

/** True where the browser offers SHA-256: on HTTPS and on this machine. */
export function canHash(): boolean {
  return globalThis.crypto?.subtle !== undefined
}

/** SHA-256 of a file in lower-case hex, computed beside the page so that it does not freeze. */
export function hashFile(file: File): Promise<string> {
  if (file.size > BROWSER_MAX_BYTES)
    return Promise.reject(new Error(`${file.name} is larger than a browser can send; use the command line.`))
  worker ??= startWorker()
  const id = nextId++
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject })
    worker?.postMessage({ id, file })
  })
}

function startWorker(): Worker {
  const started = new Worker(new URL('./hash.worker.ts', import.meta.url), { type: 'module' })
  started.onmessage = (event: MessageEvent<{ id: number; sha256?: string; error?: string }>) => {
    const { id, sha256, error } = event.data
    const one = waiting.get(id)
    waiting.delete(id)
    if (sha256 !== undefined) one?.resolve(sha256)
    else one?.reject(new Error(error ?? 'The file cannot be read.'))
  }
  return started
}
