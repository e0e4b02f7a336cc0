import { MAX_TREE_ENTRIES } from '../../common/tree/tree-limits.js';

/** Bytes of the files of one release. */
export const MAX_RELEASE_BYTES = 16 * 1024 ** 3;
/** Files, folders and links of one release: their names and digests are in memory at once. */
const MAX_RELEASE_ENTRIES = 200_000;
export const RELEASE_LIMITS = {
  maxBytes: MAX_RELEASE_BYTES,
  maxEntries: MAX_RELEASE_ENTRIES,
  maxWalked: MAX_TREE_ENTRIES,
};
