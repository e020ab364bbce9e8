import type { Readable } from 'node:stream'

export type StoredBlob = { sha256: string; sizeBytes: number }
/** First and last byte, both included. */
export type ByteRange = { start: number; end: number }
/** `content`: found by its SHA-256. `objects`: found by an id that the store made. */
export type BlobKind = 'content' | 'objects'
export type ListedBlob = { id: string; sizeBytes: number; modifiedAtMs: number }

export type PutOptions = {
  limitBytes: number
  /** What the sender says the content is; anything else is refused and nothing is kept. */
  expectedSha256?: string
  /** The length the sender announced, where it did. */
  sizeBytes?: number
}

/** An upload in parts: the object it will become, and what the store itself calls it (empty in a folder). */
export type PartedUpload = { objectId: string; storeUploadId: string }
export type UploadedPart = { partNumber: number; etag: string }

/**
 * Where bytes live: a folder of this machine (blobs/local.ts) or a bucket (blobs/s3.ts), laid out alike, so that one can be
 * copied into the other. Two kinds: **content**, found by its SHA-256 (dataset files, code, ONNX forms), and **objects**,
 * found by an id (artifacts). Neither ever changes: an artifact that is written again is another object. What a path
 * means, and who may read what, is decided before, by the rooms; a store knows no users.
 */
export type BlobStore = {
  /**
   * Streams content in; visible only when complete and durable. Idempotent.
   * @throws AppError payload_too_large beyond `limitBytes`; unprocessable when the hash differs from `expectedSha256`;
   *   bad_request when it is shorter or longer than `sizeBytes`
   */
  putContent(source: Readable, options: PutOptions): Promise<StoredBlob>
  hasContent(sha256: string): Promise<boolean>
  /** @throws AppError not_found */
  openContent(sha256: string, range?: ByteRange): Promise<{ stream: Readable; sizeBytes: number }>
  /** A path on this machine that holds the content, for readers that need a real file (DuckDB, onnxruntime). Read only. */
  contentPath(sha256: string): Promise<string>

  /** Streams bytes in as a new object, durable when this returns. Throws as `putContent`. */
  putObject(source: Readable, options: PutOptions): Promise<StoredBlob & { id: string }>
  /** @throws AppError not_found */
  openObject(id: string, range?: ByteRange): Promise<{ stream: Readable; sizeBytes: number }>

  /** Removes a blob; absent is fine. Whoever calls knows that nothing refers to it. */
  remove(kind: BlobKind, id: string): Promise<void>
  /** Every blob of a kind, in no order that means anything. Nothing is held in memory but a page. */
  list(kind: BlobKind): AsyncIterable<ListedBlob>
  /** Removes what uploads that broke off before this time left behind. @returns how many were removed */
  sweep(olderThanMs: number): Promise<number>

  readonly uploads: PartedUploads
}

/** Uploads in parts, which may come at once, in any order and again; and links that need no other right. */
export type PartedUploads = {
  start(): Promise<PartedUpload>
  /** Where a client sends a part, when the store takes it itself; null when it comes through this server (`putPart`). */
  partUrl(upload: PartedUpload, partNumber: number, expiresInSeconds: number): Promise<string | null>
  /**
   * Takes a part in a folder. `offset` is null for a last part whose place is not known yet.
   * @returns the part's MD5, which is what S3 calls its ETag
   */
  putPart(
    upload: PartedUpload,
    part: { partNumber: number; offset: number | null; sizeBytes: number },
    source: Readable,
  ): Promise<string>
  /**
   * Makes the object of the parts. @throws AppError bad_request when a part is missing or another than was sent
   * @param sizeBytes the length that the parts make, where this server took them
   */
  complete(upload: PartedUpload, parts: UploadedPart[], sizeBytes: number | null): Promise<{ sizeBytes: number }>
  /** Removes all that was sent; absent is fine. */
  abort(upload: PartedUpload): Promise<void>
  /** A link to an object's bytes in the store itself; null when they come through this server. */
  downloadUrl(objectId: string, fileName: string, expiresInSeconds: number): Promise<string | null>
}
