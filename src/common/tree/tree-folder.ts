import { constants, type Dirent } from 'node:fs';
import { type FileHandle, open, opendir, readlink } from 'node:fs/promises';

export type TreeEntryKind = 'file' | 'folder' | 'link' | 'special';

export interface TreeEntry {
  /** As the file system has it: bytes, in whatever encoding. */
  readonly name: Buffer;
  readonly kind: TreeEntryKind;
}

const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** Without O_NONBLOCK the opening of a FIFO would wait for a writer. */
const FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * A folder, held open, of a tree that strangers write at the same time. Node has no `openat`, so
 * what is in it is reached by `/proc/self/fd`: the folder stays the one that was opened, whatever
 * its path has become since, and no link is followed on the way to its entries. Whoever opens one
 * closes it.
 */
export class TreeFolder {
  private constructor(private readonly handle: FileHandle) {}

  /** The top of a tree. Its own path must be one that no stranger can change. */
  static async open(path: string): Promise<TreeFolder> {
    return new TreeFolder(await open(path, FOLDER));
  }

  /** What is in it, sorted by the bytes of the names; `limit` more than that many: undefined. */
  async entries(limit: number): Promise<readonly TreeEntry[] | undefined> {
    const entries: TreeEntry[] = [];
    // Node knows `buffer` here, its types do not.
    const encoding = 'buffer' as BufferEncoding;
    for await (const dirent of await opendir(this.pathOf('.'), { encoding, bufferSize: 256 })) {
      if (entries.length >= limit) return undefined;
      entries.push({ name: dirent.name as unknown as Buffer, kind: kindOf(dirent) });
    }
    return entries.sort((a, b) => Buffer.compare(a.name, b.name));
  }

  /** @throws ENOTDIR or ELOOP: it is no folder, or a link */
  async folder(name: string): Promise<TreeFolder> {
    return new TreeFolder(await open(this.pathOf(name), FOLDER));
  }

  /** Opens whatever is no link for reading. The caller asks `stat` whether it is a file. */
  async file(name: string): Promise<FileHandle> {
    return open(this.pathOf(name), FILE);
  }

  async link(name: string): Promise<Buffer> {
    return readlink(this.pathOf(name), { encoding: 'buffer' });
  }

  async stat(): Promise<{ readonly mode: number; readonly mtimeMs: number }> {
    return this.handle.stat();
  }

  async close(): Promise<void> {
    await this.handle.close();
  }

  /** For calls that do not follow a link in the last part of a path. */
  pathOf(name: string): string {
    return `/proc/self/fd/${this.handle.fd}/${name}`;
  }
}

function kindOf(dirent: Dirent): TreeEntryKind {
  if (dirent.isFile()) return 'file';
  if (dirent.isDirectory()) return 'folder';
  return dirent.isSymbolicLink() ? 'link' : 'special';
}
