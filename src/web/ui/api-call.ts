/** A call of our API, as shown to people who want to do the same from a program. */
export type ApiCall = { method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'; url: string; body?: unknown }

/** The call as one shell command. `token`: the server has accounts, so the call must say who asks. */
export function asCurl({ method, url, body }: ApiCall, token: boolean): string {
  const lines = [`curl -sS${method === 'GET' ? '' : ` -X ${method}`} ${quote(url)}`]
  if (token) lines.push('-H "Authorization: Bearer $MLFLOW_TRACKING_TOKEN"')
  if (body !== undefined) lines.push("-H 'content-type: application/json'", `-d ${quote(JSON.stringify(body))}`)
  return lines.join(' \\\n  ')
}

/** The call in Python, with requests. */
export function asPython({ method, url, body }: ApiCall, token: boolean): string {
  const parts = [
    JSON.stringify(url),
    ...(token ? ['headers={"Authorization": f"Bearer {os.environ[\'MLFLOW_TRACKING_TOKEN\']}"}'] : []),
    ...(body === undefined ? [] : [`json=${pythonLiteral(body)}`]),
  ]
  const call = `requests.${method.toLowerCase()}(\n${parts.map((part) => `    ${part},`).join('\n')}\n)`
  return `${token ? 'import os\n\n' : ''}import requests\n\nanswer = ${call}\nanswer.raise_for_status()\n${method === 'DELETE' ? '' : 'print(answer.json())\n'}`
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

/** JSON as a Python expression: `None`, `True` and `False` for what JSON calls otherwise. */
export function pythonLiteral(value: unknown, indent = 4): string {
  const pad = ' '.repeat(indent)
  if (value === null || value === undefined) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (Array.isArray(value)) return `[${value.map((item) => pythonLiteral(item, indent)).join(', ')}]`
  if (typeof value === 'object') {
    const pairs = Object.entries(value)
    if (pairs.length === 0) return '{}'
    if (pairs.length === 1) return `{${JSON.stringify(pairs[0]![0])}: ${pythonLiteral(pairs[0]![1], indent)}}`
    const lines = pairs.map(([name, item]) => `${pad}    ${JSON.stringify(name)}: ${pythonLiteral(item, indent + 4)},`)
    return `{\n${lines.join('\n')}\n${pad}}`
  }
  return JSON.stringify(value)
}
