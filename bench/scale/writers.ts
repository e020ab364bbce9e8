/** A process that only writes: URL TOKEN EXPERIMENT WRITERS. Says when all write; after `stop`, how many batches a second. */
import { Client } from '../tracking/client.ts'

const METRICS = 10

const [url = '', token = '', experiment = '', count = '1'] = process.argv.slice(2)
const writers = Number(count)
const client = new Client('writers', url, token, writers)
let goesOn = true
let written = 0
process.on('message', () => {
  goesOn = false
})

async function write(lane: number): Promise<void> {
  const made = await client.post('runs/create', { experiment_id: experiment, start_time: Date.now() }, lane)
  const run: string = made.run.info.run_id
  for (let step = 0; goesOn; step++) {
    const metrics = Array.from({ length: METRICS }, (_, k) => ({
      key: k === 0 ? 'loss' : `written_${k}`,
      value: Math.sin(step + k),
      timestamp: Date.now(),
      step,
    }))
    await client.post('runs/log-batch', { run_id: run, metrics }, lane)
    if (++written === writers) process.send?.(0)
  }
}

const begun = performance.now()
await Promise.all(Array.from({ length: writers }, (_, lane) => write(lane)))
process.send?.(written / ((performance.now() - begun) / 1_000))
client.close()
process.disconnect()
