import type { ModelEntry } from '../../catalog/catalog.service.ts'

/** MLflow's word for a kind of model → the MLM extension's word for the framework, the most telling flavor first. */
const FRAMEWORKS: readonly (readonly [flavor: string, framework: string])[] = [
  ['pytorch', 'PyTorch'],
  ['transformers', 'Hugging Face'],
  ['keras', 'Keras'],
  ['tensorflow', 'TensorFlow'],
  ['xgboost', 'XGBoost'],
  ['lightgbm', 'LightGBM'],
  ['catboost', 'CatBoost'],
  ['sklearn', 'scikit-learn'],
  ['onnx', 'ONNX'],
]

const TASKS = new Set([
  'regression',
  'classification',
  'scene-classification',
  'detection',
  'object-detection',
  'segmentation',
  'semantic-segmentation',
  'instance-segmentation',
  'panoptic-segmentation',
  'similarity-search',
  'generative',
  'image-captioning',
  'super-resolution',
  'downscaling',
])

type Column = { name: string | null; type: string; shape?: number[]; dtype?: string }

/** The `mlm:*` properties of a model version, from its MLmodel, its run and its tags; a tag `mlm.<field>` overrides each. */
export function mlmProperties(entry: ModelEntry): Record<string, unknown> {
  const { mlmodel } = entry
  const framework = frameworkOf(entry)
  const hyperparameters = hyperparametersOf(entry.params)
  const signature = mlmodel?.signature ?? null
  const tasks = tasksOf(entry)
  return {
    'mlm:name': mlmName(entry.name),
    'mlm:architecture': architectureOf(entry),
    'mlm:tasks': tasks,
    ...(framework === null ? {} : { 'mlm:framework': framework.name }),
    ...(framework?.version == null ? {} : { 'mlm:framework_version': framework.version }),
    ...(Object.keys(hyperparameters).length === 0 ? {} : { 'mlm:hyperparameters': hyperparameters }),
    'mlm:input': signature === null ? [] : inputsOf(signature.inputs),
    'mlm:output': signature === null ? [] : outputsOf(signature.outputs, tasks, entry.labels),
    ...tagOverrides(entry.tags),
  }
}

/** The schema wants a letter first, a letter or digit last and at least three characters. */
function mlmName(name: string): string {
  let clean = name.replace(/[^a-zA-Z0-9_.\s-]+/g, '-').replace(/[^a-zA-Z0-9]+$/, '')
  if (!/^[a-zA-Z]/.test(clean)) clean = `model-${clean.replace(/^[^a-zA-Z0-9]+/, '')}`
  if (clean.length < 3) clean = `model-${clean}`
  return clean.replace(/[^a-zA-Z0-9]+$/, '')
}

/** The class of the estimator where the run says it (MLflow's autologging does), else `unknown`, which the extension allows. */
function architectureOf(entry: ModelEntry): string {
  return entry.tags.architecture ?? entry.tags.estimator_name ?? entry.params.model ?? 'unknown'
}

/** The framework a model was made with, from its MLmodel. */
export function frameworkOf(entry: ModelEntry): { flavor: string; name: string; version: string | null } | null {
  const flavors = entry.mlmodel?.flavors ?? []
  const found = FRAMEWORKS.find(([flavor]) => flavors.includes(flavor))
  if (found === undefined) return null
  const [flavor, name] = found
  const facts = flavorFacts(entry, flavor)
  const version =
    facts[`${flavor}_version`] ?? facts[`${flavor.replace('xgboost', 'xgb').replace('lightgbm', 'lgb')}_version`]
  return { flavor, name, version: typeof version === 'string' ? semver(version) : null }
}

/** What the MLmodel says under one flavor. */
export function flavorFacts(entry: ModelEntry, flavor: string): Record<string, unknown> {
  const raw = entry.mlmodel?.raw as { flavors?: Record<string, Record<string, unknown>> } | undefined
  return raw?.flavors?.[flavor] ?? {}
}

/** `1.9` → `1.9.0`, `2.0rc1` → `2.0.0-rc1`, `2.13.0+cu126` as it is; null when there is no number in it. */
export function semver(version: string): string | null {
  const match = /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:[._-]?([a-zA-Z][0-9A-Za-z.-]*))?(?:\+([0-9A-Za-z.-]+))?/.exec(
    version.trim(),
  )
  if (match === null) return null
  const [, major = '0', minor = '0', patch = '0', pre, build] = match
  const label = (text: string) =>
    text
      .split(/[^0-9A-Za-z-]+/)
      .filter((part) => part !== '')
      .join('.')
  return `${Number(major)}.${Number(minor)}.${Number(patch)}${pre === undefined ? '' : `-${label(pre)}`}${build === undefined ? '' : `+${label(build)}`}`
}

function tasksOf(entry: ModelEntry): string[] {
  const type = entry.tags.model_type ?? entry.modelType ?? ''
  if (/classif/i.test(type)) return ['classification']
  if (/regress/i.test(type)) return ['regression']
  const output = entry.mlmodel?.signature?.outputs[0]
  if (output === undefined) return []
  if (output.type === 'double' || output.type === 'float') return ['regression']
  return output.type === 'tensor' ? [] : ['classification']
}

const DATA_TYPES: Record<string, string> = { long: 'int64', integer: 'int32', double: 'float64', float: 'float32' }
const TENSOR_TYPES = new Set([
  'int8',
  'int16',
  'int32',
  'int64',
  'uint8',
  'uint16',
  'uint32',
  'uint64',
  'float16',
  'float32',
  'float64',
])

function dataType(column: Column): string {
  if (column.dtype !== undefined && TENSOR_TYPES.has(column.dtype)) return column.dtype
  return DATA_TYPES[column.type] ?? 'other'
}

/** Names for the dimensions of a tensor, by the habit of its rank. */
function dimensions(rank: number): string[] {
  if (rank === 4) return ['batch', 'channel', 'height', 'width']
  if (rank === 2) return ['batch', 'features']
  if (rank === 1) return ['batch']
  return ['batch', ...Array.from({ length: rank - 1 }, (_, i) => `dim-${'abcdefgh'.charAt(i)}`)]
}

function structure(column: Column): { shape: number[]; dim_order: string[]; data_type: string } {
  const shape =
    column.shape === undefined || column.shape.length === 0 ? [-1] : column.shape.map((size) => (size < -1 ? -1 : size))
  return { shape, dim_order: dimensions(shape.length), data_type: dataType(column) }
}

/** Tensors one by one; columns together as one table `features`, whose type is theirs when they agree. */
function inputsOf(columns: readonly Column[]): Record<string, unknown>[] {
  if (columns.length === 0) return []
  const common = { bands: [], variables: [], value_scaling: null, resize_type: null }
  if (columns.some((column) => column.type === 'tensor')) {
    return columns.map((column, index) => ({
      name: column.name ?? `input-${index}`,
      ...common,
      input: structure(column),
    }))
  }
  const types = new Set(columns.map(dataType))
  return [
    {
      name: 'features',
      description: `columns: ${columns.map((column) => column.name ?? '(unnamed)').join(', ')}`,
      ...common,
      input: {
        shape: [-1, columns.length],
        dim_order: ['batch', 'features'],
        data_type: types.size === 1 ? [...types][0] : 'other',
      },
    },
  ]
}

function outputsOf(columns: readonly Column[], tasks: string[], labels: string[] | null): Record<string, unknown>[] {
  return columns.map((column, index) => ({
    name: column.name ?? (index === 0 ? 'prediction' : `prediction-${index}`),
    tasks,
    bands: [],
    variables: [],
    result: structure(column),
    ...(index === 0 && labels !== null ? { 'classification:classes': classesOf(labels) } : {}),
  }))
}

/** A class's `name` may hold letters, digits, `-` and `_` only (`<=50K` → `lte_50K`); what people call it is its title. */
export function classesOf(labels: string[]): Record<string, unknown>[] {
  const names = labels.map((label) =>
    label
      .replace(/[<>]=?/g, (sign) => `${sign.startsWith('<') ? 'lt' : 'gt'}${sign.endsWith('=') ? 'e' : ''}_`)
      .replace(/[^0-9A-Za-z_-]+/g, '_'),
  )
  return labels.map((label, value) => {
    const name = names[value] ?? ''
    const clear = /[0-9A-Za-z]/.test(name) && names.indexOf(name) === names.lastIndexOf(name)
    return { value, name: clear ? name : `class_${value}`, title: label, description: label }
  })
}

/** Run parameters as numbers where they are numbers, under keys the schema takes. */
function hyperparametersOf(params: Record<string, string>): Record<string, unknown> {
  const known: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(params)) {
    const number = Number(value)
    known[key.replace(/[^0-9a-zA-Z_.-]+/g, '_')] = value.trim() !== '' && Number.isFinite(number) ? number : value
  }
  return known
}

const OVERRIDABLE: Record<string, (value: unknown) => boolean> = {
  tasks: (value) =>
    Array.isArray(value) && value.every((task) => TASKS.has(task as string)) && new Set(value).size === value.length,
  architecture: (value) => typeof value === 'string',
  framework: (value) => typeof value === 'string' && /^[^\s._-](.*[^\s._-])?$/.test(value),
  accelerator: (value) =>
    value === null ||
    ['amd64', 'cuda', 'xla', 'amd-rocm', 'intel-ipex-cpu', 'intel-ipex-gpu', 'macos-arm'].includes(value as string),
  accelerator_constrained: (value) => typeof value === 'boolean',
  accelerator_summary: (value) => typeof value === 'string',
  pretrained: (value) => typeof value === 'boolean',
  pretrained_source: (value) => value === null || typeof value === 'string',
  memory_size: wholeNumber,
  total_parameters: wholeNumber,
  batch_size_suggestion: wholeNumber,
}

function wholeNumber(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** Tags `mlm.<field>` hold JSON, or plain text for a text; what the extension would refuse is left out. */
function tagOverrides(tags: Record<string, string>): Record<string, unknown> {
  const overrides: Record<string, unknown> = {}
  for (const [field, accepts] of Object.entries(OVERRIDABLE)) {
    const text = tags[`mlm.${field}`]
    if (text === undefined) continue
    let value: unknown = text
    try {
      value = JSON.parse(text)
    } catch {
      // a plain text
    }
    if (accepts(value)) overrides[`mlm:${field}`] = value
    else if (accepts(text)) overrides[`mlm:${field}`] = text
  }
  return overrides
}
