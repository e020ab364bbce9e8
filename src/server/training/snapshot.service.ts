import { posix } from 'node:path'
import type { Context } from '../../context.ts'
import { type CodeFile, readCodeText, snapshotFiles } from './code.service.ts'
import type { EnvironmentSpec } from './environments.ts'
import { type MlProject, parseMlproject, parseYaml, wrong } from './mlproject.ts'

const MAX_TEXT_BYTES = 1024 * 1024
const MAX_INCLUDES = 20
const MAX_LINE_LENGTH = 2_000

/** A code snapshot as a project that can be run. */
export type ProjectCode = { mlproject: MlProject; files: Map<string, CodeFile>; environment: EnvironmentSpec }

/**
 * Reads and checks a snapshot: its MLproject, and the environment with every requirements file that it names.
 * @throws AppError bad_request (field `code_digest`) naming the file at fault
 */
export async function loadProjectCode(ctx: Context, projectId: string, digest: string): Promise<ProjectCode> {
  const files = await snapshotFiles(ctx, projectId, digest)
  const found = [...files.values()].find((file) => file.path.toLowerCase() === 'mlproject')
  if (found === undefined) throw wrong('The code has no file MLproject at its top, so there is no entry point to run.')
  const mlproject = parseMlproject(await readCodeText(ctx, found, MAX_TEXT_BYTES))
  return { mlproject, files, environment: await loadEnvironment(ctx, files, mlproject) }
}

/** Whether a path that a user wrote names a file or folder of the snapshot. */
export function snapshotHas(files: Map<string, CodeFile>, path: string): boolean {
  const clean = posix.normalize(path).replace(/\/$/, '')
  if (clean === '.') return true
  return files.has(clean) || [...files.keys()].some((file) => file.startsWith(`${clean}/`))
}

async function loadEnvironment(
  ctx: Context,
  files: Map<string, CodeFile>,
  mlproject: MlProject,
): Promise<EnvironmentSpec> {
  const path = mlproject.pythonEnv === null ? 'python_env.yaml' : posix.normalize(mlproject.pythonEnv)
  const file = files.get(path)
  if (file === undefined) {
    if (mlproject.pythonEnv !== null)
      throw wrong(`MLproject names the environment file "${path}", which is not in the code snapshot.`)
    if (files.has('conda.yaml'))
      throw wrong(
        'The code describes its environment in conda.yaml, which this server cannot build. Write a python_env.yaml.',
      )
    return { python: null, requirements: '' }
  }
  const content = parseYaml(await readCodeText(ctx, file, MAX_TEXT_BYTES), path) ?? {}
  if (typeof content !== 'object' || Array.isArray(content)) throw wrong(`${path} must be a mapping.`)
  const { python, dependencies, build_dependencies: build } = content as Record<string, unknown>
  if (python !== undefined && python !== null && !/^\d+(\.\d+){0,2}$/.test(String(python)))
    throw wrong(`${path}: python must be a version such as "3.11".`)
  const reader = new RequirementsReader(ctx, files)
  return {
    python: python === undefined || python === null ? null : String(python),
    requirements: await reader.flatten(textList(dependencies, `${path}: dependencies`), path),
    buildDependencies: (await reader.flatten(textList(build, `${path}: build_dependencies`), path))
      .split('\n')
      .filter((line) => line !== ''),
  }
}

function textList(value: unknown, where: string): string[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value) || value.some((item) => typeof item !== 'string'))
    throw wrong(`${where} must be a list of texts.`)
  return value as string[]
}

/** Puts the requirements files that requirements refer to (`-r`, `-c`) in their place, so that one text says it all. */
class RequirementsReader {
  readonly #ctx: Context
  readonly #files: Map<string, CodeFile>
  #includes = 0

  constructor(ctx: Context, files: Map<string, CodeFile>) {
    this.#ctx = ctx
    this.#files = files
  }

  /** @param from the file that holds `lines`; references are relative to its folder */
  async flatten(lines: readonly string[], from: string): Promise<string> {
    const flat: string[] = []
    for (const line of lines) {
      if (line.length > MAX_LINE_LENGTH) throw wrong(`${from} has a line longer than ${MAX_LINE_LENGTH} characters.`)
      const reference = /^\s*(?:-r|--requirement)(?:\s+|=)?(\S.*?)\s*(?:\s#.*)?$/.exec(line)?.[1]
      if (reference !== undefined) flat.push(await this.#include(reference, from))
      else flat.push(this.#checked(line, from))
    }
    return flat.join('\n')
  }

  async #include(reference: string, from: string): Promise<string> {
    const path = posix.normalize(posix.join(posix.dirname(from), reference))
    const file = this.#files.get(path)
    if (file === undefined)
      throw wrong(`${from} names the requirements file "${reference}", which is not in the code snapshot.`)
    this.#includes += 1
    if (this.#includes > MAX_INCLUDES) throw wrong(`${from}: too many requirements files refer to each other.`)
    return this.flatten((await readCodeText(this.#ctx, file, MAX_TEXT_BYTES)).split(/\r?\n/), path)
  }

  #checked(line: string, from: string): string {
    if (/^\s*(-e|--editable|-c|--constraint)\b/.test(line) || /^\s*\.{0,2}\//.test(line) || /^\s*\.\s*$/.test(line)) {
      throw wrong(
        `${from}: "${line.trim().slice(0, 80)}" is not possible here: an environment is shared by jobs, so it may only hold packages from an index.`,
      )
    }
    return line
  }
}
