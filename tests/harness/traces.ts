import type { MlflowApi } from './mlflow.ts'
import type { TestAnswer } from './server.ts'

/** MLflow's calls of traces, as raw HTTP. */
export const V3 = '/api/3.0/mlflow/traces'
/** Status and error code. */
export const failure = (answer: TestAnswer) => [answer.status, answer.body.error_code]
let made = 0
export const newId = () => `tr-${(++made).toString(16).padStart(32, '0')}`

export type More = Record<string, unknown>
/** A TraceInfo of a new trace. */
export function info(experiment: string, more: More = {}): More {
  return {
    trace_id: newId(),
    trace_location: { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: experiment } },
    request_time: '2026-01-02T03:04:05.678Z',
    execution_duration: '0.250s',
    state: 'OK',
    ...more,
  }
}
/** Sends a trace; its id. */
export async function start(api: MlflowApi, experiment: string, more: More = {}): Promise<string> {
  const answer = await api.send('POST', V3, { trace: { trace_info: info(experiment, more) } })
  if (answer.status !== 200) throw new Error(answer.text)
  return answer.body.trace.trace_info.trace_id
}
export const get = async (api: MlflowApi, id: string) => (await api.get(`${V3}/${id}`)).body.trace.trace_info
