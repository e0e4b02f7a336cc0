import { readdirSync, statSync } from 'node:fs';
import * as promises from 'node:fs/promises';
import { join } from 'node:path';
import type { PromiseFsClient } from 'isomorphic-git';

const LOOSE_NAME = `/${'0'.repeat(2)}/${'0'.repeat(38)}`;
/** One for all: the stack of an error for each object would cost more than reading it. */
const NO_LOOSE_OBJECT = Object.assign(new Error('no loose objects'), { code: 'ENOENT' });

/**
 * The file system that isomorphic-git reads a fresh clone by. A fetch makes packs only, yet for
 * every object it looks for a loose file first, lists the packs and asks for the git directory,
 * each by the thread pool of Node: three quarters of the time of a checkout. Here the first is
 * known to be absent and the others are answered at once.
 */
export function packOnlyFs(gitdir: string): PromiseFsClient {
  const objects = join(gitdir, 'objects');
  const packs = join(objects, 'pack');
  // `objects/ab/38 digits`; `objects/pack/pack-….idx` and the like are longer.
  const looseLength = objects.length + LOOSE_NAME.length;
  const isLoose = (path: string): boolean =>
    path.length === looseLength && path.startsWith(objects) && path[objects.length + 3] === '/';
  return {
    promises: {
      ...promises,
      readFile: async (path: string, options: Parameters<typeof promises.readFile>[1] = null) => {
        if (isLoose(path)) throw NO_LOOSE_OBJECT;
        return promises.readFile(path, options);
      },
      readdir: async (path: string) =>
        path === packs ? readdirSync(path) : promises.readdir(path),
      stat: async (path: string) => (path === gitdir ? statSync(path) : promises.stat(path)),
    },
  };
}
