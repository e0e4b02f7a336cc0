import { repositoryKey } from '../../../common/values/repository-key.js';
import { askGit, GitRefusal } from './git-command.js';

/** A folder that git has checked out. */
export interface GitCheckout {
  /** Its top. */
  readonly root: string;
  /** Undefined: none, as behind a tag. */
  readonly branch: string | undefined;
  /** Undefined before the first one. */
  readonly commit: string | undefined;
  /** URLs of its remotes, that of `origin` first. */
  readonly remotes: readonly string[];
  /** It has what its commit has not, or the other way round. */
  readonly isChanged: boolean;
}

/**
 * The checkout that a folder stands in. Undefined: it stands in none, or there is no git program.
 *
 * @throws GitRefusal: there is one, which git does not read, as one of another user
 */
export async function findCheckout(folder: string): Promise<GitCheckout | undefined> {
  const root = await topOf(folder);
  if (root === undefined) return undefined;
  const [branch, commit, remotes, isChanged] = await Promise.all([
    branchOf(root),
    maybe(root, ['rev-parse', '--verify', '--quiet', 'HEAD^{commit}']),
    // As they are used: `url.….insteadOf` of the caller is in them.
    maybe(root, ['remote', '--verbose']),
    hasChanges(root),
  ]);
  return { root, branch, commit, remotes: urlsOf(remotes ?? ''), isChanged };
}

/** Not the short name: git makes `heads/main` of it where a tag is called `main` too. */
async function branchOf(root: string): Promise<string | undefined> {
  const head = await maybe(root, ['symbolic-ref', '--quiet', 'HEAD']);
  return head === undefined ? undefined : /^refs\/heads\/(.+)$/.exec(head)?.[1];
}

/** Git tells nothing of all where a submodule is broken: then submodules do not count. */
async function hasChanges(root: string): Promise<boolean> {
  const status = ['status', '--porcelain', '-z'];
  try {
    const said = await askGit(root, [...status, '--ignore-submodules=none']);
    return (said?.length ?? 0) > 0;
  } catch (error) {
    if (!(error instanceof GitRefusal)) throw error;
    return (await maybe(root, [...status, '--ignore-submodules=all'])) !== undefined;
  }
}

async function topOf(folder: string): Promise<string | undefined> {
  try {
    const said = await askGit(folder, ['rev-parse', '--show-toplevel']);
    const root = said?.toString().replace(/\n$/, '') ?? '';
    return root === '' ? undefined : root;
  } catch (error) {
    const isOutside = /not a git repository|must be run in a work tree/;
    if (error instanceof GitRefusal && isOutside.test(error.message)) return undefined;
    throw error;
  }
}

/** What git answers with nothing and an exit code of its own, is not there. */
async function maybe(root: string, args: readonly string[]): Promise<string | undefined> {
  try {
    const said = (await askGit(root, args))?.toString().trim() ?? '';
    return said === '' ? undefined : said;
  } catch (error) {
    if (error instanceof GitRefusal) return undefined;
    throw error;
  }
}

function urlsOf(lines: string): string[] {
  const remotes = lines.split('\n').flatMap((line) => {
    const [, name, url] = /^(.*)\t(.*) \(fetch\)/.exec(line) ?? [];
    return url === undefined ? [] : [{ isOrigin: name === 'origin', url }];
  });
  const ordered = [...remotes].sort((a, b) => Number(b.isOrigin) - Number(a.isOrigin));
  return ordered.map(({ url }) => url);
}

/** Whether a checkout is one of the repository at a URL, in whichever way that is written. */
export function isOf(url: string, { remotes }: Pick<GitCheckout, 'remotes'>): boolean {
  const key = repositoryKey(url);
  return key !== undefined && remotes.some((remote) => repositoryKey(urlOf(remote)) === key);
}

/** `git@host:owner/name` as a URL. */
function urlOf(remote: string): string {
  const scp = /^(?:([^@/:\s]+)@)?([^@/:\s]+):(?!\/\/)(.+)$/.exec(remote);
  return scp === null ? remote : `ssh://git@${scp[2] ?? ''}/${(scp[3] ?? '').replace(/^\/+/, '')}`;
}
