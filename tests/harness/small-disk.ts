import { execFileSync } from 'node:child_process'
import { closeSync, fstatSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { chmod, mkdtemp, rm, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A filesystem of few MiB, which can be filled to the last bytes and emptied again. */
export type SmallDisk = { path: string; fill(leaveBytes?: number): void; free(): Promise<void>; close(): Promise<void> }

/** Why there is none on this machine; null: there is. Mounting needs root. */
export function smallDiskMissing(): string | null {
  if (process.platform !== 'linux') return 'a small filesystem is made with Linux’s tmpfs'
  if (process.getuid?.() !== 0) return 'mounting a small filesystem needs root'
  try {
    // Containers often have root without the right to mount: try it, in a mount namespace that ends with the command.
    execFileSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], { stdio: 'ignore' })
    return null
  } catch {
    return 'this root may not mount a filesystem'
  }
}

export async function openSmallDisk(sizeMiB: number): Promise<SmallDisk> {
  const path = await mkdtemp(join(tmpdir(), 'trainyard-disk-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMiB}m`, 'tmpfs', path])
  await chmod(path, 0o755)
  const ballast = join(path, 'ballast')
  return {
    path,
    fill(leaveBytes = 0) {
      const file = openSync(ballast, 'a')
      try {
        // The last page, too: what is left is smaller than any write.
        for (const size of [1024 * 1024, 4096]) writeUntilFull(file, Buffer.alloc(size, 1))
        if (leaveBytes > 0) ftruncateSync(file, Math.max(0, fstatSync(file).size - leaveBytes))
      } finally {
        closeSync(file)
      }
    },
    free: () => rm(ballast, { force: true }),
    async close() {
      execFileSync('umount', ['--lazy', path])
      await rmdir(path)
    },
  }
}

function writeUntilFull(file: number, bytes: Buffer): void {
  try {
    while (writeSync(file, bytes) === bytes.length);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  }
}
