/** Tells the demo's story: numbered steps with the time since the start, facts below them, and where to see each thing. */
export type Narrator = {
  step(title: string): void
  fact(text: string): void
  see(url: string): void
  /** Shows what is being waited for: one line that is redrawn in a terminal, a line every ten seconds elsewhere. */
  waiting(text: string): void
}

const QUIET_MS = 10_000

export function createNarrator(startedAtMs: number, out: NodeJS.WriteStream = process.stdout): Narrator {
  let count = 0
  let redrawn = false
  let lastLineAtMs = 0
  const seconds = () => `${((Date.now() - startedAtMs) / 1000).toFixed(0)} s`
  const line = (text: string) => {
    if (redrawn) out.write('\r\x1b[K')
    redrawn = false
    lastLineAtMs = Date.now()
    out.write(`${text}\n`)
  }
  return {
    step(title) {
      count += 1
      line(`\n${String(count).padStart(2)}  ${title}  [${seconds()}]`)
    },
    fact: (text) => line(`    ${text}`),
    see: (url) => line(`    see ${url}`),
    waiting(text) {
      if (out.isTTY) {
        out.write(`\r\x1b[K    … ${text} (${seconds()})`)
        redrawn = true
      } else if (Date.now() - lastLineAtMs >= QUIET_MS) line(`    … ${text} (${seconds()})`)
    },
  }
}
