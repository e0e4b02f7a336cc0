import { isUtf8 } from 'node:buffer';
import type { FileHandle } from 'node:fs/promises';
import { inFolder } from '../../common/tree/in-folder.js';
import { TreeFolder } from '../../common/tree/tree-folder.js';
import {
  MAX_FILE_BYTES,
  MAX_NAMES,
  ProjectTree,
  TooManyNamesError,
  type TreeName,
} from './project-tree.js';

/** What says that a name is not there, or no longer what it was. */
const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'ENAMETOOLONG', 'ENXIO']);

/** A folder of the disk, which others may write at the same time. */
export class DiskTree extends ProjectTree {
  /** @param root a path that no stranger can change */
  constructor(
    private readonly root: string,
    private readonly maxNames = MAX_NAMES,
  ) {
    super();
  }

  async list(folder: string): Promise<readonly TreeName[] | undefined> {
    return this.inside(namesOf(folder), async (opened) => {
      const names = await opened.entries(this.maxNames);
      if (names === undefined) throw new TooManyNamesError(folder);
      return names.flatMap(({ name, kind }): TreeName[] =>
        kind === 'file' || kind === 'folder' ? [{ name: name.toString(), kind }] : [],
      );
    });
  }

  async read(path: string): Promise<string | undefined> {
    const names = namesOf(path);
    const last = names.pop();
    if (last === undefined) return undefined;
    return this.inside(names, async (folder) => {
      const file = await folder.file(last);
      try {
        return await textOf(file);
      } finally {
        await file.close();
      }
    });
  }

  private async inside<T>(
    names: readonly string[],
    work: (folder: TreeFolder) => Promise<T>,
  ): Promise<T | undefined> {
    let top: TreeFolder | undefined;
    try {
      top = await TreeFolder.open(this.root);
      return await inFolder(top, names, work);
    } catch (error) {
      if (!ABSENT.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
      return undefined;
    } finally {
      await top?.close();
    }
  }
}

function namesOf(path: string): string[] {
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  if (names.includes('..')) throw new Error(`the path leads out of the project: ${path}`);
  return names;
}

async function textOf(file: FileHandle): Promise<string | undefined> {
  const stat = await file.stat();
  if (!stat.isFile() || stat.size > MAX_FILE_BYTES) return undefined;
  const bytes = Buffer.alloc(MAX_FILE_BYTES + 1);
  let size = 0;
  for (;;) {
    const { bytesRead } = await file.read(bytes, size, bytes.length - size, size);
    if (bytesRead === 0) break;
    size += bytesRead;
    if (size > MAX_FILE_BYTES) return undefined;
  }
  const content = bytes.subarray(0, size);
  return isUtf8(content) ? content.toString().replace(/^\uFEFF/, '') : undefined;
}
