/**
 * Plays every scenario to a stock MLflow server and keeps its answers in tests/fixtures/conformance, for the replay:
 * `node tests/compat/conformance-record.ts [scenario …]`. Takes some minutes, most of them MLflow's.
 */
import { keepSteps } from './conformance/golden.ts'
import { SCENARIOS } from './conformance/scenarios.ts'
import { startStock } from './conformance/stock.ts'
import { Talk } from './conformance/talk.ts'

const wanted = process.argv.slice(2)
const stock = await startStock(Number(process.env.STOCK_PORT ?? 6_505))
try {
  for (const { name, play } of SCENARIOS) {
    if (wanted.length > 0 && !wanted.includes(name)) continue
    const talk = new Talk(stock.url, name)
    await play(talk)
    await keepSteps(name, stock.version, talk.steps)
    console.log(`${name}: ${talk.steps.length} answers`)
  }
} finally {
  await stock.close()
}
