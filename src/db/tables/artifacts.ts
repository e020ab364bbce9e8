/** A file or a folder of a project's artifact space. `folder` is the path above it, `''` at the top. */
export type ArtifactEntriesTable = {
  project_id: string
  folder: string
  name: string
  /** The file's bytes in the blob store; null for a folder. */
  object_id: string | null
  size_bytes: number
  /** Null for a folder, and for a file whose bytes came past this server until its checksum task has read them. */
  sha256: string | null
  modified_at_ms: number
}

/** An upload in parts. One that ended well is kept for a while: a client that lost the answer asks again. */
export type ArtifactUploadsTable = {
  id: string
  project_id: string
  path: string
  /** The object that it will become. */
  object_id: string
  /** What S3 calls it; empty in a folder. */
  store_upload_id: string
  part_count: number
  /** Bytes of every part but the last, known when the first of them has come. */
  part_size_bytes: number | null
  is_complete: number
  created_at_ms: number
  expires_at_ms: number
}

export type ArtifactUploadPartsTable = { upload_id: string; part_number: number; size_bytes: number; etag: string }

/** Keys that this installation signs its own links with. */
export type SigningKeysTable = { name: string; secret: string; created_at_ms: number }
