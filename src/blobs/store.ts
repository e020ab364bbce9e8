import type { Readable } from 'node:stream'

export type StoredBlob = { sha256: string; sizeBytes: number }
export type ByteRange = { start: number; end: number }
export type FileEntry = { name: string; isFolder: boolean; sizeBytes: number }

/**
 * Where bytes live. Two kinds: **content**, found by its SHA-256, never changed (dataset files, code, ONNX forms), and
 * **files**, found by a key of validated segments (run artifacts, which clients may overwrite). Who may read what is
 * decided before, by the rooms; a store knows no users.
 */
export type BlobStore = {
  /**
   * Streams content in; visible only when complete and durable. Idempotent.
   * @throws AppError payload_too_large beyond `limitBytes`; unprocessable when the hash differs from `expectedSha256`
   */
  putContent(source: Readable, options: { limitBytes: number; expectedSha256?: string }): Promise<StoredBlob>
  hasContent(sha256: string): Promise<boolean>
  /** @throws AppError not_found */
  openContent(sha256: string, range?: ByteRange): Promise<{ stream: Readable; sizeBytes: number }>
  /** A path on this machine that holds the content, for readers that need a real file (DuckDB, onnxruntime). Read only. */
  contentPath(sha256: string): Promise<string>
  /** Writes a file at `key` (segments already validated), replacing what was there, atomically. */
  putFile(key: readonly string[], source: Readable, options: { limitBytes: number }): Promise<StoredBlob>
  statFile(key: readonly string[]): Promise<{ isFolder: boolean; sizeBytes: number } | null>
  openFile(key: readonly string[], range?: ByteRange): Promise<{ stream: Readable; sizeBytes: number }>
  /** Direct children, sorted by name; an absent folder is empty. */
  listFolder(key: readonly string[]): Promise<FileEntry[]>
  /** Removes a file or a tree; absent is fine. */
  removeTree(key: readonly string[]): Promise<void>
}
