import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { AppError } from '../lib/errors.ts'
import { bytesPassed } from '../lib/young-generation.ts'
import { AS_DOWNLOAD, type S3, s3Error } from './s3-client.ts'
import type { PutOptions, StoredBlob } from './store.ts'
import { checkStored, tooLarge } from './writing.ts'

const MIB = 1024 * 1024
/** What is smaller goes in one request. Parts of this size reach 80 GB in S3's ten thousand; later ones are larger. */
const PART_BYTES = 8 * MIB
/** Bytes of parts on their way at once, or one part: memory of an upload is this and two parts more. */
const IN_FLIGHT_BYTES = 24 * MIB
/** S3 copies no more than this at once. */
const COPY_BYTES = 1024 * MIB

type Part = { PartNumber: number; ETag: string | undefined }

/** Streams bytes to a key; it is there when this returns, or nothing is. */
export async function putKey(s3: S3, key: string, source: Readable, options: PutOptions): Promise<StoredBlob> {
  const { sdk, client, bucket: Bucket } = s3
  if ((options.sizeBytes ?? 0) > options.limitBytes) throw tooLarge(options.limitBytes)
  const hash = createHash('sha256')
  const blocks = readBlocks(source, options.limitBytes, (chunk) => hash.update(chunk))
  const first = await blocks.next()
  const second = first.done === true ? first : await blocks.next()
  if (second.done === true) {
    const body = first.done === true ? Buffer.alloc(0) : first.value
    const stored = { sha256: hash.digest('hex'), sizeBytes: body.length }
    checkStored(stored, options)
    await ask(() =>
      client.send(
        new sdk.PutObjectCommand({ ...AS_DOWNLOAD, Bucket, Key: key, Body: body, ContentLength: body.length }),
      ),
    )
    return stored
  }
  return putParts(s3, key, [first.value as Buffer, second.value], blocks, (sizeBytes) => {
    const stored = { sha256: hash.digest('hex'), sizeBytes }
    checkStored(stored, options)
    return stored
  })
}

async function putParts(
  s3: S3,
  key: string,
  begun: Buffer[],
  rest: AsyncGenerator<Buffer>,
  check: (sizeBytes: number) => StoredBlob,
): Promise<StoredBlob> {
  const { sdk, client, bucket: Bucket } = s3
  const { UploadId } = await ask(() =>
    client.send(new sdk.CreateMultipartUploadCommand({ ...AS_DOWNLOAD, Bucket, Key: key })),
  )
  const sent: Promise<Part>[] = []
  let sizeBytes = 0
  const send = async (body: Buffer) => {
    const PartNumber = sent.length + 1
    sizeBytes += body.length
    const part = ask(() =>
      client.send(
        new sdk.UploadPartCommand({ Bucket, Key: key, UploadId, PartNumber, Body: body, ContentLength: body.length }),
      ),
    ).then(({ ETag }) => ({ PartNumber, ETag }))
    part.catch(() => {})
    sent.push(part)
    // The one that far back must be done: no more than so many are in memory.
    await sent.at(-Math.max(1, Math.floor(IN_FLIGHT_BYTES / body.length)))
  }
  try {
    for (const body of begun) await send(body)
    for await (const body of rest) await send(body)
    const stored = check(sizeBytes)
    const Parts = await Promise.all(sent)
    await ask(() =>
      client.send(new sdk.CompleteMultipartUploadCommand({ Bucket, Key: key, UploadId, MultipartUpload: { Parts } })),
    )
    return stored
  } catch (error) {
    await Promise.allSettled(sent)
    await client.send(new sdk.AbortMultipartUploadCommand({ Bucket, Key: key, UploadId })).catch(() => {})
    throw error
  }
}

/** Copies inside the bucket and removes the source. */
export async function moveKey(s3: S3, from: string, to: string, sizeBytes: number): Promise<void> {
  const { sdk, client, bucket: Bucket } = s3
  const CopySource = `${Bucket}/${from.split('/').map(encodeURIComponent).join('/')}`
  if (sizeBytes <= COPY_BYTES) await ask(() => client.send(new sdk.CopyObjectCommand({ Bucket, Key: to, CopySource })))
  else await copyParts(s3, CopySource, to, sizeBytes)
  await ask(() => client.send(new sdk.DeleteObjectCommand({ Bucket, Key: from })))
}

async function copyParts(s3: S3, CopySource: string, key: string, sizeBytes: number): Promise<void> {
  const { sdk, client, bucket: Bucket } = s3
  const { UploadId } = await ask(() =>
    client.send(new sdk.CreateMultipartUploadCommand({ ...AS_DOWNLOAD, Bucket, Key: key })),
  )
  const Parts: Part[] = []
  for (let start = 0; start < sizeBytes; start += COPY_BYTES) {
    const PartNumber = Parts.length + 1
    const CopySourceRange = `bytes=${start}-${Math.min(start + COPY_BYTES, sizeBytes) - 1}`
    const { CopyPartResult } = await ask(() =>
      client.send(
        new sdk.UploadPartCopyCommand({ Bucket, Key: key, UploadId, PartNumber, CopySource, CopySourceRange }),
      ),
    )
    Parts.push({ PartNumber, ETag: CopyPartResult?.ETag })
  }
  await ask(() =>
    client.send(new sdk.CompleteMultipartUploadCommand({ Bucket, Key: key, UploadId, MultipartUpload: { Parts } })),
  )
}

async function ask<T>(send: () => Promise<T>): Promise<T> {
  try {
    return await send()
  } catch (error) {
    throw error instanceof AppError ? error : s3Error(error, 'No such content.')
  }
}

/** The stream in blocks of a part's size, which grows so that ten thousand of them hold any file. */
async function* readBlocks(source: Readable, limitBytes: number, see: (chunk: Buffer) => void): AsyncGenerator<Buffer> {
  let chunks: Buffer[] = []
  let bytes = 0
  let total = 0
  let count = 0
  for await (const piece of source as AsyncIterable<Buffer | string>) {
    const chunk = typeof piece === 'string' ? Buffer.from(piece) : piece
    total += chunk.length
    if (total > limitBytes) throw tooLarge(limitBytes)
    see(chunk)
    bytesPassed(chunk.length)
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes < PART_BYTES * 2 ** Math.floor(count / 2_000)) continue
    yield Buffer.concat(chunks)
    count++
    chunks = []
    bytes = 0
  }
  if (bytes > 0) yield Buffer.concat(chunks)
}
