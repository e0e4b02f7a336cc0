import koffi from 'koffi';
import { giveTree, type NewOwner } from './give-tree.js';

/** What one folder and all below it is to belong to. */
export interface HandOverRequest extends NewOwner {
  readonly folder: string;
}

/**
 * See `giveTree`. For a process of its own, which first leaves behind everything but the folder
 * (chroot(2)).
 */
export async function handOver({ folder, ...to }: HandOverRequest): Promise<void> {
  const libc = koffi.load(null);
  const chroot = libc.func('int chroot(const char *path)') as (path: string) => number;
  // Node has loaded by now what it needs of files.
  process.chdir(folder);
  if (chroot('.') !== 0) throw new Error(`chroot: errno ${koffi.errno()}`);
  process.chdir('/');
  giveTree('/', to);
  return Promise.resolve();
}
