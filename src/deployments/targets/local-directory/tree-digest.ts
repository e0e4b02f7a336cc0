import { createHash } from 'node:crypto';
import { lstat } from 'node:fs/promises';
import type { TreeFolder } from '../../../common/tree/tree-folder.js';
import { MAX_TREE_ENTRIES } from '../../../common/tree/tree-limits.js';

export interface DigestedTree {
  /** `sha256:…` over names, permissions and contents of files, and over links. */
  readonly digest: string;
  readonly files: number;
  readonly bytes: number;
  /** Path to SHA-256 in hex. */
  readonly contents: ReadonlyMap<string, string>;
}

/**
 * What lies in a folder, whoever put it there. Folders count by what is in them; links are not
 * followed.
 */
export async function digestTree(top: TreeFolder): Promise<DigestedTree> {
  const digesting = new TreeDigest();
  await digesting.add(top, '');
  return digesting.result();
}

class TreeDigest {
  private readonly hash = createHash('sha256');
  private readonly contents = new Map<string, string>();
  private bytes = 0;

  async add(folder: TreeFolder, path: string): Promise<void> {
    const entries = (await folder.entries(MAX_TREE_ENTRIES)) ?? [];
    for (const { name: bytes, kind } of entries) {
      const name = bytes.toString();
      const at = path === '' ? name : `${path}/${name}`;
      if (kind === 'folder') await this.addFolder(folder, name, at);
      else if (kind === 'file') await this.addFile(folder, name, at);
      else if (kind === 'link') this.line('link', at, (await folder.link(name)).toString('hex'));
      else this.line('special', at, '');
    }
  }

  result(): DigestedTree {
    const { contents, bytes } = this;
    return { digest: `sha256:${this.hash.digest('hex')}`, files: contents.size, bytes, contents };
  }

  private async addFolder(parent: TreeFolder, name: string, path: string): Promise<void> {
    const folder = await parent.folder(name);
    try {
      await this.add(folder, path);
    } finally {
      await folder.close();
    }
  }

  private async addFile(folder: TreeFolder, name: string, path: string): Promise<void> {
    const { mode } = await lstat(folder.pathOf(name));
    const file = await folder.file(name);
    const content = createHash('sha256');
    try {
      for await (const chunk of file.createReadStream({ autoClose: false })) {
        content.update(chunk as Buffer);
        this.bytes += (chunk as Buffer).length;
      }
    } finally {
      await file.close();
    }
    const digest = content.digest('hex');
    this.contents.set(path, digest);
    this.line('file', path, `${(mode & 0o7777).toString(8)} ${digest}`);
  }

  private line(kind: string, path: string, rest: string): void {
    this.hash.update(`${kind}\0${path}\0${rest}\n`);
  }
}
