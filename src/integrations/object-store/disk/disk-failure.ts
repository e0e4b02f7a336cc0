import { ObjectStoreError, type ObjectStoreErrorCode } from '../object-store.js';

const CODES: ReadonlyMap<string, readonly [ObjectStoreErrorCode, string]> = new Map([
  ['ENOENT', ['not_found', 'there is no such file']],
  ['ENOSPC', ['full', 'the disk is full']],
  ['EDQUOT', ['full', 'the quota of the disk is used up']],
  ['EFBIG', ['too_large', 'the file system holds no file of this size']],
  ['EACCES', ['unauthorised', 'the folder of the objects may not be used']],
  ['EPERM', ['unauthorised', 'the folder of the objects may not be used']],
  ['EROFS', ['unauthorised', 'the folder of the objects can only be read']],
  ['ELOOP', ['damaged', 'a link is in the place of a file']],
  ['ENOTDIR', ['damaged', 'a file is in the place of a folder']],
  ['EISDIR', ['damaged', 'a folder is in the place of a file']],
  ['ESTALE', ['unreachable', 'the file server is away']],
  ['ETIMEDOUT', ['unreachable', 'the file server is away']],
]);

export function codeOf(error: unknown): string {
  return String((error as { readonly code?: unknown } | null)?.code);
}

/** What an error of the file system means. */
export function diskFailure(error: unknown): ObjectStoreError {
  if (error instanceof ObjectStoreError) return error;
  const [code, message] = CODES.get(codeOf(error)) ?? ['failed', 'the file system failed'];
  return new ObjectStoreError(code, message, { cause: error });
}

/** @throws ObjectStoreError for each error of the file system */
export async function onDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw diskFailure(error);
  }
}
