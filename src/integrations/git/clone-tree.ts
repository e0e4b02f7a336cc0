import { constants } from 'node:fs';
import { lstat, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { CloneDriver, Gitlink } from './clone-driver.js';
import { type GitScheme, type ValidClone, validateCloneRequest } from './clone-request.js';
import { announcement } from './clone-session.js';
import { type Cloned, GitError } from './git-client.js';
import { addSubmodule } from './git-directory.js';
import type { GitMirrorStore } from './git-mirror-store.js';
import { parseGitmodules, type Submodule } from './gitmodules.js';
import { cloneRepository } from './mirrored-clone.js';
import { submoduleUrl } from './submodule-url.js';

export interface OpenedDriver {
  readonly driver: CloneDriver;
  /** Rejects where a connection fails that the driver does not see. It never resolves. */
  readonly failure?: Promise<never>;
  close(): Promise<void>;
}

export interface TreeTools {
  /** A driver for the clone of one repository. */
  open(clone: ValidClone): Promise<OpenedDriver>;
  readonly schemes: readonly GitScheme[];
  readonly progress: (line: string) => void;
  /** Absent: no mirrors. */
  readonly mirrors?: GitMirrorStore;
  readonly signal?: AbortSignal;
}

/** Of one clone, whatever is nested in what. */
const MAX_SUBMODULES = 200;
const MAX_LEVELS = 10;
const MAX_GITMODULES = 2 ** 20;
const MAX_NAMED = 10;
const NO_CREDENTIALS =
  'What comes from another repository gets no credentials and no keys for its submodules.';

/**
 * Clones a repository and, where that is asked for, its submodules. Their URLs come from the
 * repository, so they are addresses that its author chose: each is held to the rules of a clone of
 * its own, and gets the credentials only where it is of the same origin, and a stranger's never.
 */
export async function cloneTree(clone: ValidClone, tools: TreeTools): Promise<Cloned> {
  return new TreeClone(tools).clone(clone, 0);
}

class TreeClone {
  private count = 0;

  constructor(private readonly tools: TreeTools) {}

  async clone(clone: ValidClone, level: number): Promise<Cloned> {
    const { mirrors, progress, signal } = this.tools;
    const opened = await this.tools.open(clone);
    const { driver, failure } = opened;
    try {
      const cloning = cloneRepository(driver, { clone, mirrors, progress, signal });
      const { submodules, ...cloned } = await (
        failure ? Promise.race([cloning, failure]) : cloning
      ).catch((error: unknown) => {
        throw driver.failure(error);
      });
      await driver.fillPointers(clone.directory);
      await this.cloneSubmodules(clone, submodules, level);
      return cloned;
    } finally {
      await opened.close();
    }
  }

  private async cloneSubmodules(
    clone: ValidClone,
    gitlinks: readonly Gitlink[],
    level: number,
  ): Promise<void> {
    if (gitlinks.length === 0) return;
    const wanted = clone.submodules === 'recursive' || (clone.submodules === true && level === 0);
    if (!wanted) return this.tools.progress(notFetched(gitlinks));
    if (level === MAX_LEVELS) throw refused(`nested deeper than ${MAX_LEVELS}`);
    const declared = new Map(
      (await readGitmodules(clone.directory)).map((submodule) => [submodule.path, submodule]),
    );
    for (const gitlink of gitlinks) {
      try {
        await this.cloneSubmodule(clone, gitlink, declared.get(gitlink.path), level);
      } catch (error) {
        if (!(error instanceof GitError)) throw error;
        const without = clone.ownCredentialsOnly && isRefusal(error) ? ` ${NO_CREDENTIALS}` : '';
        const message = `Submodule ${gitlink.path}: ${error.message}${without}`;
        throw new GitError(error.code, message, error.retryable);
      }
    }
  }

  private async cloneSubmodule(
    clone: ValidClone,
    { path, sha }: Gitlink,
    declared: Submodule | undefined,
    level: number,
  ): Promise<void> {
    if (!declared) throw refused('.gitmodules has no URL for it');
    if (++this.count > MAX_SUBMODULES) throw refused(`more than ${MAX_SUBMODULES}`);
    await checkFolder(clone.directory, path);
    const { depth, lfs, submodules, ownCredentialsOnly } = clone;
    const url = submoduleUrl(clone.url, declared.url, this.tools.schemes);
    const request = { url, directory: join(clone.directory, path), commit: sha };
    const valid = validateCloneRequest(
      { ...request, depth, lfs, submodules, ownCredentialsOnly },
      this.tools.schemes,
    );
    if (valid.credentials) throw refused('its URL in .gitmodules holds credentials');
    // Without an identity, ssh would use the keys of the user that Millrace runs as.
    if (ownCredentialsOnly && valid.url.startsWith('ssh:')) {
      throw refused(`it is asked for by ssh. ${NO_CREDENTIALS}`);
    }
    const sameOrigin = new URL(valid.url).origin === new URL(clone.url).origin;
    const credentials = sameOrigin && !ownCredentialsOnly ? clone.credentials : undefined;
    this.tools.progress(`Submodule ${path}: ${announcement(valid)}`);
    // The origin of every ssh:// URL is `null`.
    const isSameHost = new URL(valid.url).host === new URL(clone.url).host;
    const ssh = isSameHost ? clone.ssh : undefined;
    await this.clone({ ...valid, credentials, ssh }, level + 1);
    await addSubmodule(join(clone.directory, '.git'), declared.name, valid.url);
  }
}

function isRefusal({ code }: GitError): boolean {
  return code === 'authentication_failed' || code === 'repository_not_found';
}

/** The checkout made it, and no link leads to it. */
async function checkFolder(top: string, path: string): Promise<void> {
  let folder = top;
  for (const name of path.split('/')) {
    folder = join(folder, name);
    if (!(await lstat(folder)).isDirectory()) throw refused('it is not a folder');
  }
}

async function readGitmodules(directory: string): Promise<readonly Submodule[]> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(join(directory, '.gitmodules'), flags).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    },
  );
  if (!file) return [];
  try {
    const { size } = await file.stat();
    if (size > MAX_GITMODULES) throw refused('.gitmodules is longer than 1 MiB');
    return parseGitmodules(await file.readFile('utf8'));
  } finally {
    await file.close();
  }
}

function notFetched(submodules: readonly Gitlink[]): string {
  const paths = submodules.map(({ path }) => path);
  const named = paths.slice(0, MAX_NAMED).join(', ');
  const more = paths.length > MAX_NAMED ? ` and ${paths.length - MAX_NAMED} more` : '';
  return (
    `Submodules are not fetched, their folders are empty: ${named}${more}. ` +
    '"submodules: true" or "submodules: recursive" of the repository fetches them.'
  );
}

function refused(reason: string): GitError {
  return new GitError('failed', `Submodules are refused: ${reason}.`, false);
}
