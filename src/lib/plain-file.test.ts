import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openPlainFile, readPlainText } from './plain-file.ts'

it('opens what is a file, and neither follows a link nor waits for a pipe', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'trainyard-plain-'))
  const at = (name: string) => join(folder, name)
  try {
    await writeFile(at('secret'), 'secret')
    await symlink(at('secret'), at('link'))
    execFileSync('mkfifo', [at('pipe')])
    await mkdir(at('folder'))
    for (const name of ['link', 'pipe', 'folder', 'none', 'secret/none'])
      expect([name, await openPlainFile(at(name))]).toEqual([name, null])
    expect((await readPlainText(at('secret'), 6))?.text).toBe('secret')
    expect(await readPlainText(at('secret'), 5)).toBeNull()
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
