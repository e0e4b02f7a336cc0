import { BlobObjectStore } from '../blob-object-store.js';
import type { ObjectStore } from '../object-store.js';
import { DiskBlobs } from './disk-blobs.js';

/** Objects in a folder of this machine, which is made with the first one. */
export function diskObjectStore(folder: string): ObjectStore {
  return new BlobObjectStore(new DiskBlobs(folder));
}
