import { ObjectStoreError, type ObjectStoreErrorCode } from '../object-store.js';

const NAMES: ReadonlyMap<string, readonly [ObjectStoreErrorCode, string]> = new Map([
  ['AbortError', ['aborted', 'the call was aborted']],
  ['NoSuchKey', ['not_found', 'there is no such object']],
  ['NotFound', ['not_found', 'there is no such object']],
  ['NoSuchBucket', ['failed', 'there is no such bucket (S3_BUCKET)']],
  ['NoSuchUpload', ['not_found', 'the upload has ended, or was aborted']],
  // versitygw, with status 404.
  ['XAdminUserNotFound', ['unauthorised', 'the object store knows no such access key']],
  ['QuotaExceeded', ['full', 'the quota of the object store is used up']],
  ['InsufficientStorage', ['full', 'the object store is full']],
  ['XMinioStorageFull', ['full', 'the object store is full']],
  ['EntityTooLarge', ['too_large', 'the object store takes no object of this size']],
  ['RequestTimeout', ['unreachable', 'the object store waited too long']],
  ['TimeoutError', ['unreachable', 'the object store did not answer in time']],
]);

interface SdkError {
  readonly name?: unknown;
  readonly message?: unknown;
  readonly code?: unknown;
  /** There was an answer. */
  readonly $response?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string };
}

/** What an error of the SDK, or of a stream that it gave, means. */
export function s3Failure(error: unknown): ObjectStoreError {
  if (error instanceof ObjectStoreError) return error;
  const [code, message] = meaning(error ?? {});
  return new ObjectStoreError(code, message, { cause: forTheLog(error) });
}

/** @throws ObjectStoreError for each error of the SDK */
export async function onS3<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw s3Failure(error);
  }
}

function meaning(error: SdkError): readonly [ObjectStoreErrorCode, string] {
  const known = NAMES.get(String(error.name));
  if (known) return known;
  const status = error.$metadata?.httpStatusCode;
  if (status === undefined) {
    if (error.$response !== undefined) return ['failed', 'what answered is no object store'];
    // Names, connections, certificates.
    return ['unreachable', 'the object store cannot be reached'];
  }
  if (status === 401 || status === 403) {
    return ['unauthorised', 'the object store refuses the credentials, or what they may do'];
  }
  if (status === 413) return ['too_large', 'the object store takes no object of this size'];
  if (status === 507) return ['full', 'the object store is full'];
  if (status === 429 || status >= 500) return ['unreachable', 'the object store is overloaded'];
  return ['failed', `the object store refused a request (HTTP ${String(status)})`];
}

/**
 * Name, message, status and request id. The errors of the SDK hold more of what the server said,
 * among it what was signed.
 */
function forTheLog(error: unknown): Error {
  const { name, message, code, $metadata } = (error ?? {}) as SdkError;
  const parts = [
    ...(typeof code === 'string' ? [code] : []),
    ...($metadata?.httpStatusCode === undefined ? [] : [`HTTP ${$metadata.httpStatusCode}`]),
    ...($metadata?.requestId === undefined ? [] : [`request ${$metadata.requestId}`]),
  ];
  return new Error(`${String(name)}: ${String(message)} (${parts.join(', ')})`);
}
