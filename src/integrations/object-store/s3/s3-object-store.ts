import { BlobObjectStore } from '../blob-object-store.js';
import type { ObjectStore } from '../object-store.js';
import { S3Blobs } from './s3-blobs.js';
import { createS3Client } from './s3-client.js';
import type { S3Settings } from '../s3-settings.js';

/** Objects in a bucket of S3. Asks for nothing until the first call. */
export function s3ObjectStore(settings: S3Settings): ObjectStore {
  return new BlobObjectStore(new S3Blobs(createS3Client(settings), settings));
}
