import { lstat, open, readdir } from 'node:fs/promises';
import { constants } from 'node:fs';
import { join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { MAX_YAML_BYTES } from '../../engine/yaml/source-text.js';
import { type ClonedCommit, GitClient } from '../../integrations/git/git-client.js';
import { ScratchFolders } from '../../common/scratch/scratch-folders.js';

/** The file, or the folder of files, that are pipelines. */
export const DEFINITION_FILE = '.millrace.yml';
export const DEFINITION_FOLDER = '.millrace';
const ONLY = [DEFINITION_FILE, DEFINITION_FOLDER];
const MAX_FILES = 50;
const READ_LIMIT_MS = 120_000;

/** A definition as it is in a commit, or why it cannot be read. */
export type RepositoryFile =
  | { readonly path: string; readonly text: string }
  | { readonly path: string; readonly problem: string };

/** What a commit holds and says. */
export interface ReadCommit {
  readonly files: readonly RepositoryFile[];
  readonly commit: ClonedCommit;
}

export interface FilesRequest {
  /** May hold credentials. */
  readonly url: string;
  readonly commit: string;
  readonly branch?: string;
}

/** Reads the pipelines that a commit of a repository holds. */
@Injectable()
export class RepositoryFiles {
  constructor(
    private readonly git: GitClient,
    private readonly scratch: ScratchFolders,
  ) {}

  /**
   * A commit with all its definitions, sorted by path; none is no error.
   * @throws GitError: nothing is known of them
   */
  async read({ url, commit, branch }: FilesRequest): Promise<ReadCommit> {
    return this.scratch.use(async (folder) => {
      const directory = join(folder, 'tree');
      const cloned = await this.git.clone(
        { url, commit, directory, depth: 1, only: ONLY, ...(branch !== undefined && { branch }) },
        { signal: AbortSignal.timeout(READ_LIMIT_MS), progress: () => undefined },
      );
      return { files: await definitionsIn(directory), commit: cloned };
    });
  }
}

/** Reads no link and follows none: what a commit holds is a stranger's. */
export async function definitionsIn(tree: string): Promise<readonly RepositoryFile[]> {
  const files: RepositoryFile[] = [];
  const single = await readDefinition(tree, DEFINITION_FILE);
  if (single) files.push(single);
  const folder = await lstat(join(tree, DEFINITION_FOLDER)).catch(absent);
  if (!folder) return files;
  if (!folder.isDirectory()) {
    return [...files, { path: DEFINITION_FOLDER, problem: 'It is no folder.' }];
  }
  const names = (await readdir(join(tree, DEFINITION_FOLDER)))
    .filter((name) => /\.ya?ml$/.test(name))
    .sort();
  for (const name of names.slice(0, MAX_FILES)) {
    const file = await readDefinition(tree, `${DEFINITION_FOLDER}/${name}`);
    if (file) files.push(file);
  }
  if (names.length > MAX_FILES) {
    const problem = `It holds more than ${MAX_FILES} pipelines: the others are left out.`;
    files.push({ path: DEFINITION_FOLDER, problem });
  }
  return files;
}

async function readDefinition(tree: string, path: string): Promise<RepositoryFile | undefined> {
  const found = await lstat(join(tree, path)).catch(absent);
  if (!found) return undefined;
  if (!found.isFile()) return { path, problem: 'It is no regular file (a link or a folder).' };
  if (found.size > MAX_YAML_BYTES) {
    return { path, problem: `It is larger than ${MAX_YAML_BYTES} bytes.` };
  }
  const file = await open(join(tree, path), constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    return { path, text: await file.readFile('utf8') };
  } finally {
    await file.close();
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}
