import { join } from 'node:path';
import * as git from 'isomorphic-git';
import { packOnlyFs } from './pack-only-fs.js';
import { PackReader } from './pack-reader.js';
import type { PackObject } from './thin-pack.js';

export interface ReadCommit {
  readonly sha: string;
  readonly tree: string;
  /** As it is stored. */
  readonly content: Buffer;
}

/**
 * Reads the objects of a `.git` that has packs only, by isomorphic-git. It remembers what it read,
 * also of what changes later.
 */
export class PackedRepository {
  readonly fs: git.PromiseFsClient;
  readonly cache = {};
  private readonly common: {
    readonly fs: git.PromiseFsClient;
    readonly gitdir: string;
    readonly cache: object;
  };

  constructor(readonly directory: string) {
    const gitdir = join(directory, '.git');
    this.fs = packOnlyFs(gitdir);
    this.common = { fs: this.fs, gitdir, cache: this.cache };
  }

  /**
   * The commit itself, or what an annotated tag leads to. undefined when it is not there or is
   * something else.
   */
  async readCommit(oid: string): Promise<ReadCommit | undefined> {
    try {
      const read = await git.readCommit({ ...this.common, oid });
      const raw = await git.readObject({ ...this.common, oid: read.oid, format: 'content' });
      const content = Buffer.from(raw.object as Uint8Array);
      return { sha: read.oid, tree: read.commit.tree, content };
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  /** The one commit whose SHA begins with these digits. */
  async findCommit(prefix: string): Promise<string | undefined> {
    try {
      const oid = await git.expandOid({ ...this.common, oid: prefix });
      return (await this.readCommit(oid))?.sha === oid ? oid : undefined;
    } catch (error) {
      if (error instanceof git.Errors.NotFoundError) return undefined;
      throw error;
    }
  }

  async isAncestor(ancestor: string, commit: string): Promise<boolean> {
    return git.isDescendent({ ...this.common, oid: commit, ancestor, depth: -1 });
  }

  /** @throws NotFoundError of isomorphic-git */
  async readPackObject(oid: string): Promise<PackObject> {
    const read = await git.readObject({ ...this.common, oid, format: 'content' });
    return { type: read.type as PackObject['type'], content: read.object as Uint8Array };
  }

  /** Of all packs that are there now. */
  objects(): PackReader {
    return new PackReader(join(this.common.gitdir, 'objects', 'pack'));
  }
}

function isAbsent(error: unknown): boolean {
  return error instanceof git.Errors.NotFoundError || error instanceof git.Errors.ObjectTypeError;
}
