import type { S3Client } from '@aws-sdk/client-s3'
import { AppError, badRequest } from '../lib/errors.ts'
import { newId } from '../lib/ids.ts'
import { AS_DOWNLOAD, type S3, s3Error, sizeOf } from './s3-client.ts'
import type { PartedUploads, UploadedPart } from './store.ts'

/** A file's name in a header of the service: letters that any of them takes. */
const PLAIN_NAME = /[^\w.!()+ -]/g

/** Uploads in parts that go to the bucket itself, and links to what lies there. */
export function s3Uploads(
  s3: S3,
  createPublicClient: () => S3Client,
  keyOf: (objectId: string) => string,
): PartedUploads {
  const { sdk, client, bucket: Bucket } = s3
  // Made when first asked for: it knows the address that clients use.
  let publicClient: S3Client | undefined
  const presign = async (
    command: InstanceType<typeof sdk.UploadPartCommand | typeof sdk.GetObjectCommand>,
    expiresIn: number,
  ) => {
    const { getSignedUrl } = await import('@aws-sdk/s3-request-presigner')
    publicClient ??= createPublicClient()
    return getSignedUrl(publicClient, command as InstanceType<typeof sdk.GetObjectCommand>, { expiresIn })
  }

  return {
    async start() {
      const objectId = newId()
      try {
        const { UploadId } = await client.send(
          new sdk.CreateMultipartUploadCommand({ ...AS_DOWNLOAD, Bucket, Key: keyOf(objectId) }),
        )
        return { objectId, storeUploadId: UploadId ?? '' }
      } catch (error) {
        throw s3Error(error, 'No such bucket.')
      }
    },
    partUrl: ({ objectId, storeUploadId }, PartNumber, expiresIn) =>
      presign(
        new sdk.UploadPartCommand({ Bucket, Key: keyOf(objectId), UploadId: storeUploadId, PartNumber }),
        expiresIn,
      ),
    putPart() {
      throw badRequest('Parts of this upload are sent to the addresses that were given for them.')
    },
    complete: ({ objectId, storeUploadId }, parts) => complete(s3, keyOf(objectId), storeUploadId, parts),
    async abort({ objectId, storeUploadId }) {
      try {
        await client.send(
          new sdk.AbortMultipartUploadCommand({ Bucket, Key: keyOf(objectId), UploadId: storeUploadId }),
        )
      } catch (error) {
        const known = s3Error(error, 'No such upload.')
        if (!(known instanceof AppError && known.code === 'not_found')) throw known
      }
    },
    downloadUrl: (objectId, fileName, expiresIn) =>
      presign(
        new sdk.GetObjectCommand({
          Bucket,
          Key: keyOf(objectId),
          ResponseContentDisposition: `attachment; filename="${fileName.replace(PLAIN_NAME, '_')}"`,
          ResponseContentType: 'application/octet-stream',
        }),
        expiresIn,
      ),
  }
}

async function complete(s3: S3, Key: string, UploadId: string, parts: UploadedPart[]): Promise<{ sizeBytes: number }> {
  const { sdk, client, bucket: Bucket } = s3
  try {
    const Parts = parts.map(({ partNumber, etag }) => ({ PartNumber: partNumber, ETag: etag }))
    await client.send(new sdk.CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }))
  } catch (error) {
    const { name = '' } = error as { name?: string }
    if (/^(InvalidPart|InvalidPartOrder|EntityTooSmall)$/.test(name))
      throw badRequest(`The bucket does not take these parts (${name}); send them again.`, 'parts')
    // It may be done already, and its answer have been lost: then the object is there.
    if ((await sizeOf(s3, Key)) === null) throw s3Error(error, 'There is no such upload, or it has ended.')
  }
  const sizeBytes = await sizeOf(s3, Key)
  if (sizeBytes === null) throw new AppError('unavailable', 'The file store did not keep the upload; try again.')
  return { sizeBytes }
}
