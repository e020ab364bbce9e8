import { readFile } from 'node:fs/promises'
import { Command } from 'commander'
import type { Answer } from './api-types.ts'
import { type ApiClient, openClient, type ServerOptions, withServer } from './client.ts'

type Options = ServerOptions & { row?: string[]; file?: string; json?: boolean }
export type PredictAnswer = Answer<'/endpoints/{endpoint}/predict', 'post'>

export function predictCommand(): Command {
  return withServer(new Command('predict').argument('<endpoint>').description('Predict rows given as JSON.'))
    .option('--row <json>', 'one row as a JSON object, may be repeated', (value: string, all: string[] = []) => [
      ...all,
      value,
    ])
    .option('--file <file>', 'a JSON array of rows, or one JSON object a line')
    .option('--json', 'print the whole answer as JSON')
    .action(async (endpoint: string, options: Options) => {
      const rows =
        options.file === undefined
          ? (options.row ?? []).map((text) => parseRow(text, '--row'))
          : await readRows(options.file)
      if (rows.length === 0) throw new Error('Give rows with --row \'{"age": 39, …}\' or --file rows.json.')
      const answer = await predict(await openClient(options), endpoint, rows)
      if (options.json === true) return console.log(JSON.stringify(answer, null, 2))
      for (const { value, scores, id } of answer.predictions) {
        const score =
          scores === null
            ? ''
            : `  ${Object.entries(scores)
                .map(([label, p]) => `${label} ${p.toFixed(4)}`)
                .join('  ')}`
        console.log(`${String(value)}${score}  (${id})`)
      }
      console.log(`version ${answer.version}, ${answer.runtime}, ${answer.latency_ms} ms`)
    })
}

export async function predict(
  client: ApiClient,
  endpoint: string,
  rows: Record<string, unknown>[],
): Promise<PredictAnswer> {
  return client.inProject('POST', `/endpoints/${encodeURIComponent(endpoint)}/predict`, { rows })
}

async function readRows(file: string): Promise<Record<string, unknown>[]> {
  const text = await readFile(file, 'utf8')
  if (text.trimStart().startsWith('[')) return JSON.parse(text) as Record<string, unknown>[]
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line, i) => parseRow(line, `${file}:${i + 1}`))
}

function parseRow(text: string, where: string): Record<string, unknown> {
  try {
    const row: unknown = JSON.parse(text)
    if (typeof row === 'object' && row !== null && !Array.isArray(row)) return row as Record<string, unknown>
  } catch {}
  throw new Error(`${where} is not a JSON object: ${text.slice(0, 80)}`)
}
