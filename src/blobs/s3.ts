import { pipeline, type Readable, Transform } from 'node:stream'
import { newId } from '../lib/ids.ts'
import { bytesPassed } from '../lib/young-generation.ts'
import { openCache } from './cache.ts'
import { blobKey } from './local.ts'
import { type S3, s3Error, sizeOf } from './s3-client.ts'
import { s3Uploads } from './s3-uploads.ts'
import { moveKey, putKey } from './s3-writing.ts'
import type { BlobKind, BlobStore, ByteRange, ListedBlob } from './store.ts'

export type S3Options = {
  bucket: string
  /** Empty, or a path that ends with a slash. */
  prefix: string
  /** Empty for Amazon's own. */
  endpoint: string
  /** The service as clients reach it; empty when that is the same. */
  publicEndpoint: string
  region: string
  /** Null: as the endpoint has it. */
  pathStyle: boolean | null
  /** Empty: the SDK's own chain finds them. */
  accessKeyId: string
  secretAccessKey: string
  cache: { folder: string; limitBytes: number }
}

/**
 * A blob store in a bucket of S3 or of a service like it. The SDK is loaded here and not before: a server with a folder
 * neither waits for it nor keeps it in memory.
 * @throws Error with a sentence for the administrator when the bucket cannot be reached
 */
export async function openS3Store(options: S3Options): Promise<BlobStore> {
  const sdk = await import('@aws-sdk/client-s3')
  const client = new sdk.S3Client(clientConfig(options, options.endpoint))
  const s3: S3 = { sdk, client, bucket: options.bucket, prefix: options.prefix }
  await checkBucket(s3, options)
  const keyOf = (kind: BlobKind, id: string): string => options.prefix + blobKey(kind, id).join('/')
  const cache = await openCache(options.cache)
  const open = async (kind: BlobKind, id: string, range?: ByteRange) => openKey(s3, keyOf(kind, id), range)

  return {
    async putContent(source, putOptions) {
      const { expectedSha256 } = putOptions
      if (expectedSha256 !== undefined) return putKey(s3, keyOf('content', expectedSha256), source, putOptions)
      // Its name is known when all of it has come: it waits under another, and is copied inside the bucket.
      const temporary = `${options.prefix}tmp/${newId()}`
      const stored = await putKey(s3, temporary, source, putOptions)
      await moveKey(s3, temporary, keyOf('content', stored.sha256), stored.sizeBytes)
      return stored
    },
    hasContent: async (sha256) => (await sizeOf(s3, keyOf('content', sha256))) !== null,
    openContent: (sha256, range) => open('content', sha256, range),
    contentPath: (sha256) => cache.path(sha256, async () => (await open('content', sha256)).stream),
    async putObject(source, putOptions) {
      const id = newId()
      return { ...(await putKey(s3, keyOf('objects', id), source, putOptions)), id }
    },
    openObject: (id, range) => open('objects', id, range),
    async remove(kind, id) {
      await client.send(new sdk.DeleteObjectCommand({ Bucket: s3.bucket, Key: keyOf(kind, id) }))
    },
    list: (kind) => listBlobs(s3, kind),
    sweep: (olderThanMs) => sweep(s3, olderThanMs),
    uploads: s3Uploads(
      s3,
      () => new sdk.S3Client(clientConfig(options, options.publicEndpoint || options.endpoint)),
      (id) => keyOf('objects', id),
    ),
  }
}

function clientConfig(options: S3Options, endpoint: string) {
  const { accessKeyId, secretAccessKey } = options
  return {
    ...(endpoint === '' ? {} : { endpoint }),
    forcePathStyle: options.pathStyle ?? endpoint !== '',
    // What is not Amazon wants some region and does not care which; for Amazon the SDK's chain knows better than we.
    ...(options.region !== '' ? { region: options.region } : endpoint === '' ? {} : { region: 'us-east-1' }),
    ...(accessKeyId === '' ? {} : { credentials: { accessKeyId, secretAccessKey } }),
    // Checksums that only Amazon knows are refused by older services of others; ours are SHA-256 of the whole.
    requestChecksumCalculation: 'WHEN_REQUIRED' as const,
    responseChecksumValidation: 'WHEN_REQUIRED' as const,
  }
}

async function checkBucket(s3: S3, { bucket, endpoint }: S3Options): Promise<void> {
  try {
    await s3.client.send(new s3.sdk.ListObjectsV2Command({ Bucket: bucket, Prefix: s3.prefix, MaxKeys: 1 }))
  } catch (error) {
    const where = endpoint === '' ? 'Amazon S3' : endpoint
    throw new Error(
      `The bucket "${bucket}" of ${where} cannot be used (${(error as Error).name}). Check s3-bucket, s3-endpoint, s3-region and the key.`,
      { cause: error },
    )
  }
}

async function openKey(s3: S3, key: string, range?: ByteRange): Promise<{ stream: Readable; sizeBytes: number }> {
  try {
    const answer = await s3.client.send(
      new s3.sdk.GetObjectCommand({
        Bucket: s3.bucket,
        Key: key,
        ...(range === undefined ? {} : { Range: `bytes=${range.start}-${range.end}` }),
      }),
    )
    const whole = Number(/\/(\d+)$/.exec(answer.ContentRange ?? '')?.[1] ?? answer.ContentLength ?? 0)
    return { stream: counted(answer.Body as unknown as Readable), sizeBytes: whole }
  } catch (error) {
    throw s3Error(error, 'No such file.')
  }
}

/** The stream as it is, its buffers collected as they die; ending either side ends the other. */
function counted(source: Readable): Readable {
  const through = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytesPassed(chunk.length)
      done(null, chunk)
    },
  })
  // An error reaches whoever reads `through`.
  pipeline(source, through, () => {})
  return through
}

async function* listBlobs(s3: S3, kind: BlobKind): AsyncGenerator<ListedBlob> {
  for await (const { key, ...entry } of listKeys(s3, `${s3.prefix}${kind}/`))
    yield { id: key.split('/').at(-1) ?? '', ...entry }
}

async function* listKeys(s3: S3, prefix: string) {
  const pages = s3.sdk.paginateListObjectsV2({ client: s3.client }, { Bucket: s3.bucket, Prefix: prefix })
  for await (const page of pages) {
    for (const { Key: key = '', Size: sizeBytes = 0, LastModified } of page.Contents ?? [])
      yield { key, sizeBytes, modifiedAtMs: LastModified?.getTime() ?? 0 }
  }
}

/** Uploads that nobody ended, and content that waited for its name when its server was killed. */
async function sweep(s3: S3, olderThanMs: number): Promise<number> {
  const { sdk, client, bucket, prefix } = s3
  let removed = 0
  for await (const { key, modifiedAtMs } of listKeys(s3, `${prefix}tmp/`)) {
    if (modifiedAtMs >= olderThanMs) continue
    await client.send(new sdk.DeleteObjectCommand({ Bucket: bucket, Key: key }))
    removed++
  }
  for (let at: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } = {}; ; ) {
    const page = await client.send(new sdk.ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix, ...at }))
    for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
      if ((Initiated?.getTime() ?? 0) >= olderThanMs) continue
      await client.send(new sdk.AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }))
      removed++
    }
    if (page.IsTruncated !== true) return removed
    at = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker }
  }
}
