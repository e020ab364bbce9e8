import type { FormField } from '../../api/endpoints.ts'
import { pythonLiteral } from '../../ui/api-call.ts'

export type SnippetInput = {
  /** Root of the endpoint's protocols: `https://host/endpoints/owner/project/name`. */
  url: string
  /** Of our API: `https://host/api/v1/projects/owner/project/endpoints/name`. */
  api: string
  server: string
  name: string
  /** `owner/project/name`. */
  path: string
  fields: FormField[]
  row: Record<string, unknown>
  truth: unknown
  /** The server has accounts, so a call must say who asks. */
  token: boolean
}
type Variant = { title: string; code: string }

/** One real row asked in each way that the endpoint understands. */
export function callSnippets(input: SnippetInput): Variant[] {
  return [
    { title: 'curl', code: curl(`${input.url}/invocations`, { dataframe_records: [input.row] }, input.token) },
    { title: 'Python', code: requestsCode(input) },
    { title: 'MLflow deployments', code: deployments(input) },
    { title: 'Open Inference Protocol', code: openInference(input) },
    { title: 'Our API', code: curl(`${input.api}/predict`, { rows: [input.row] }, input.token) },
  ]
}

export function feedbackSnippets(input: SnippetInput): Variant[] {
  const body = { feedback: [{ prediction_id: '<id>', truth: input.truth }] }
  return [
    { title: 'curl', code: curl(`${input.api}/feedback`, body, input.token) },
    {
      title: 'Python',
      code: `${head(input)}ids = answer.headers["x-prediction-ids"].split(",")\nrequests.post(\n    "${input.api}/feedback",\n    json={"feedback": [{"prediction_id": ids[0], "truth": ${pythonLiteral(input.truth)}}]},${headers(input)}\n).raise_for_status()`,
    },
  ]
}

function curl(url: string, body: unknown, token: boolean): string {
  const auth = token ? '  -H "Authorization: Bearer $MLFLOW_TRACKING_TOKEN" \\\n' : ''
  const json = JSON.stringify(body).replaceAll("'", `'\\''`)
  return `curl -i ${url} \\\n${auth}  -H 'content-type: application/json' \\\n  -d '${json}'`
}

function head(input: SnippetInput): string {
  return input.token ? 'import os\n\nimport requests\n\n' : 'import requests\n\n'
}

function headers(input: SnippetInput): string {
  return input.token ? '\n    headers={"Authorization": f"Bearer {os.environ[\'MLFLOW_TRACKING_TOKEN\']}"},' : ''
}

function requestsCode(input: SnippetInput): string {
  return `${head(input)}row = ${pythonLiteral(input.row, 0)}\nanswer = requests.post(\n    "${input.url}/invocations",\n    json={"dataframe_records": [row]},${headers(input)}\n)\nanswer.raise_for_status()\nprint(answer.json()["predictions"][0])`
}

function deployments(input: SnippetInput): string {
  const token = input.token ? '# export MLFLOW_TRACKING_TOKEN=… in the shell first\n' : ''
  return `${token}from mlflow.deployments import get_deploy_client\n\nclient = get_deploy_client("${input.server}")\nrow = ${pythonLiteral(input.row, 0)}\nprint(client.predict(endpoint="${input.path}", inputs={"dataframe_records": [row]}))`
}

function openInference(input: SnippetInput): string {
  const matrix = input.fields.every((field, index) => field.name === String(index))
  const inputs = matrix
    ? [{ name: 'input', shape: [1, input.fields.length], datatype: 'FP64', data: Object.values(input.row) }]
    : input.fields.map((field) => ({
        name: field.name,
        shape: [1],
        datatype: DATATYPES[field.kind],
        data: [input.row[field.name]],
      }))
  return curl(`${input.url}/v2/models/${input.name}/infer`, { inputs }, input.token)
}

const DATATYPES: Record<FormField['kind'], string> = {
  number: 'FP64',
  integer: 'INT64',
  boolean: 'BOOL',
  choice: 'BYTES',
  text: 'BYTES',
}
