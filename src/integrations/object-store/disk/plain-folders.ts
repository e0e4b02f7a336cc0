import { lstat, mkdir, open, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ObjectStoreError } from '../object-store.js';
import { codeOf } from './disk-failure.js';

/** Absolute paths of the folders between `root` and a file below it, the highest first. */
function foldersOf(root: string, path: string): string[] {
  const names = path.split('/').slice(0, -1);
  return names.map((_name, index) => join(root, ...names.slice(0, index + 1)));
}

/**
 * Rejects with `damaged` where a folder on the way to a file is a link or none. The folder of the
 * objects is Millrace's own, so nobody else can put a link there after that.
 */
export async function checkFolders(root: string, path: string): Promise<void> {
  for (const folder of foldersOf(root, path)) await checkFolder(folder);
}

/** Makes the folders on the way to a file, durably, with the same check. */
export async function makeFolders(root: string, path: string): Promise<void> {
  for (const folder of foldersOf(root, path)) {
    try {
      await mkdir(folder, { mode: 0o700 });
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
      await checkFolder(folder);
      continue;
    }
    await syncFolder(dirname(folder));
  }
}

/** Removes the folders on the way to a file that are empty, but for the first one. */
export async function removeEmptyFolders(root: string, path: string): Promise<void> {
  for (const folder of foldersOf(root, path).slice(1).toReversed()) {
    try {
      await rmdir(folder);
    } catch (error) {
      if (['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(codeOf(error))) return;
      throw error;
    }
  }
}

/** What was renamed or made in a folder is on the disk when this resolves. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function checkFolder(folder: string): Promise<void> {
  if (!(await lstat(folder)).isDirectory()) {
    throw new ObjectStoreError('damaged', 'a link or file is in the place of a folder');
  }
}
