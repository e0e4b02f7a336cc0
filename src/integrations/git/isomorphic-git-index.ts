import type { PromiseFsClient } from 'isomorphic-git';
import { GitIndexManager } from 'isomorphic-git/managers';
import { FileSystem } from 'isomorphic-git/models';
import type { WrittenEntry } from './tree-checkout.js';

/** What isomorphic-git calls an index; its types do not say. */
interface Index {
  insert(entry: {
    readonly filepath: string;
    readonly oid: string;
    readonly stats: Readonly<Record<string, number>>;
  }): void;
}

const SECOND = 1_000_000_000n;
const WORD = 2n ** 32n;

/**
 * Writes the index of a fresh checkout, so that the git program finds nothing changed. Paths that
 * are not UTF-8 have no place in it, since isomorphic-git knows paths as texts.
 */
export async function writeIndex(
  place: { readonly fs: PromiseFsClient; readonly gitdir: string; readonly cache: object },
  entries: readonly WrittenEntry[],
): Promise<void> {
  await GitIndexManager.acquire({ ...place, fs: new FileSystem(place.fs) }, (index: Index) => {
    for (const { path, oid, mode, stats } of entries) {
      if (!isText(path)) continue;
      index.insert({ filepath: path.toString(), oid, stats: { ...numbers(stats), mode } });
    }
  });
}

export function isText(path: Buffer): boolean {
  return Buffer.from(path.toString()).equals(path);
}

function numbers(stats: WrittenEntry['stats']): Readonly<Record<string, number>> {
  const { ctimeNs, mtimeNs, dev, ino, uid, gid, size } = stats;
  const words = {
    ctimeSeconds: ctimeNs / SECOND,
    ctimeNanoseconds: ctimeNs % SECOND,
    mtimeSeconds: mtimeNs / SECOND,
    mtimeNanoseconds: mtimeNs % SECOND,
    dev,
    ino,
    uid,
    gid,
    size,
  };
  return Object.fromEntries(
    Object.entries(words).map(([name, value]) => [name, Number(value % WORD)]),
  );
}
