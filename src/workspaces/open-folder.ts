import { constants } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';

/** A name on the way is a link or no folder. */
export class NotAFolderError extends Error {}

const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * Opens the folder `names` below `root`, makes what is not there, and follows no link below `root`: each name is looked up
 * in the folder that is open, whatever others rename meanwhile. The caller closes it.
 *
 * @returns the path by which this very folder is reached while it is open (proc(5), `/proc/PID/fd`)
 * @throws NotAFolderError
 */
export async function openFolder(
  root: string,
  names: readonly string[],
  made: (path: string) => void,
): Promise<{ readonly path: string; close(): Promise<void> }> {
  let folder = await open(root, FOLDER);
  try {
    for (const name of names) {
      const inner = await openInner(join(pathOf(folder), name), made);
      await folder.close();
      folder = inner;
    }
  } catch (error) {
    await folder.close();
    throw error;
  }
  return { path: pathOf(folder), close: () => folder.close() };
}

async function openInner(path: string, made: (path: string) => void): Promise<FileHandle> {
  try {
    await mkdir(path, { mode: 0o700 });
    made(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  try {
    return await open(path, FOLDER);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // open(2): with O_NOFOLLOW and O_DIRECTORY a link is one of these, by the kernel's version.
    if (code === 'ELOOP' || code === 'ENOTDIR') throw new NotAFolderError();
    throw error;
  }
}

function pathOf(folder: FileHandle): string {
  return `/proc/self/fd/${folder.fd}`;
}
