/** Runs beside the page: reads a file and answers with its SHA-256. */
self.onmessage = async (event: MessageEvent<{ id: number; file: File }>) => {
  const { id, file } = event.data
  try {
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await file.arrayBuffer()))
    self.postMessage({ id, sha256: Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('') })
  } catch (error) {
    self.postMessage({
      id,
      error: `${file.name} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    })
  }
}
