import { readdirSync, statSync } from 'node:fs';
import * as promises from 'node:fs/promises';
import { join } from 'node:path';
import type { PromiseFsClient } from 'isomorphic-git';

/**
 * The file system that isomorphic-git reads a fresh clone by. A fetch makes packs only, yet for
 * every object it looks for a loose file first, lists the packs and asks for the git directory,
 * each by the thread pool of Node: three quarters of the time of a checkout. Here the first is
 * known to be absent and the others are answered at once.
 */
export function packOnlyFs(gitdir: string): PromiseFsClient {
  const objects = join(gitdir, 'objects');
  const packs = join(objects, 'pack');
  const isLoose = (path: string): boolean =>
    path.startsWith(objects) && /^\/[0-9a-f]{2}\/[0-9a-f]{38}$/.test(path.slice(objects.length));
  return {
    promises: {
      ...promises,
      readFile: async (path: string, options: Parameters<typeof promises.readFile>[1] = null) => {
        if (isLoose(path)) throw Object.assign(new Error('no loose objects'), { code: 'ENOENT' });
        return promises.readFile(path, options);
      },
      readdir: async (path: string) =>
        path === packs ? readdirSync(path) : promises.readdir(path),
      stat: async (path: string) => (path === gitdir ? statSync(path) : promises.stat(path)),
    },
  };
}
