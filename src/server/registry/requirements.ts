/** What the conversion itself needs, by package; ranges, because the newest no longer run on Python 3.10. A pin of the model's own wins. */
const CONVERTER = {
  skl2onnx: '==1.20.0',
  onnx: '>=1.19,<=1.23.2',
  onnxruntime: '>=1.23,<=1.31.1',
  pandas: '',
  pyarrow: '',
} as const

/** One requirement by name: extras, version limits, an environment marker. No options, addresses, paths or shell text. */
const NAME = /^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(\[[A-Za-z0-9._, -]+\])?/
const VERSIONS = /^\s*(?:(?:===|==|~=|!=|>=|<=|>|<)\s*[A-Za-z0-9.*+!_-]+\s*(?:,\s*(?=[=~!<>]))?)*$/
const MARKER = /^[\w .,'"<>=!~()+-]+$/
const MAX_LINE = 500
const MAX_LINES = 500

export type Requirements = { text: string } | { refused: string }

/**
 * The requirements of a conversion's environment: the model's own logged ones and the converter's. Each line is checked
 * before a package installer sees it, because the file came with the model: an option such as `--index-url`, or an
 * address, would install somebody else's code.
 * @param logged text of the model's `requirements.txt`; null when it has none
 * @param fallback lines for a model that logged none
 */
export function conversionRequirements(logged: string | null, fallback: readonly string[]): Requirements {
  const lines = logged === null ? [...fallback] : meaningfulLines(logged)
  if (lines.length > MAX_LINES) return { refused: `The model's requirements.txt has more than ${MAX_LINES} lines.` }
  const names = new Set<string>()
  for (const line of lines) {
    const name = packageName(line)
    if (name === null) {
      return {
        refused: `The model's requirements.txt holds "${line.slice(0, 100)}", which is not a plain requirement (name and version); its environment cannot be built safely.`,
      }
    }
    names.add(name)
  }
  const added = Object.entries(CONVERTER)
    .filter(([name]) => !names.has(name))
    .map(([name, version]) => `${name}${version}`)
  if (!names.has('mlflow') && !names.has('mlflow-skinny')) added.push('mlflow-skinny>=2.0')
  return { text: `${[...lines, ...added].join('\n')}\n` }
}

function meaningfulLines(text: string): string[] {
  return text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .filter((line) => line !== '')
}

/** The normalised package name of a requirement line (PEP 503); null when the line is anything else. */
export function packageName(line: string): string | null {
  if (line.length > MAX_LINE) return null
  const [requirement = '', ...markers] = line.split(';')
  if (markers.length > 1 || markers.some((marker) => !MARKER.test(marker.trim()))) return null
  const found = NAME.exec(requirement.trim())
  if (found === null || !VERSIONS.test(requirement.trim().slice(found[0].length))) return null
  return found[1]!.toLowerCase().replace(/[-_.]+/g, '-')
}
