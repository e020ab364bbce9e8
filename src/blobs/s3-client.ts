import type { S3Client } from '@aws-sdk/client-s3'
import { AppError, notFound } from '../lib/errors.ts'

/** The SDK and a client, as the parts of the store need them. */
export type S3 = { sdk: typeof import('@aws-sdk/client-s3'); client: S3Client; bucket: string; prefix: string }

/** Kept with every object: whoever gets a link to one, a browser saves it and never shows it, under whatever origin. */
export const AS_DOWNLOAD = { ContentType: 'application/octet-stream', ContentDisposition: 'attachment' }

/** Errors of the service as ours: nothing of what it says is shown, since it may say much (contracts/security.md row 48). */
export function s3Error(error: unknown, missing: string): unknown {
  if (error instanceof AppError) return error
  const { name, $metadata } = error as { name?: string; $metadata?: { httpStatusCode?: number } }
  if (name === 'NoSuchKey' || name === 'NotFound' || name === 'NoSuchUpload' || $metadata?.httpStatusCode === 404)
    return notFound(missing)
  return new AppError('unavailable', 'The file store does not answer; try again in a moment.', {
    retryAfterSeconds: 5,
    cause: error,
  })
}

/** @returns null when there is nothing at this key */
export async function sizeOf(s3: S3, key: string): Promise<number | null> {
  try {
    const answer = await s3.client.send(new s3.sdk.HeadObjectCommand({ Bucket: s3.bucket, Key: key }))
    return answer.ContentLength ?? 0
  } catch (error) {
    const known = s3Error(error, 'No such file.')
    if (known instanceof AppError && known.code === 'not_found') return null
    throw known
  }
}
