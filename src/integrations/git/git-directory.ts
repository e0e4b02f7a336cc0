import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Where HEAD goes: a branch by its name, or a commit by itself. */
export interface Head {
  /** 40 hex digits of a commit. */
  readonly commit: string;
  readonly branch?: string;
}

/**
 * Makes an empty `.git` with the remote `origin`, as `git init` and `git remote add` do, but
 * without hooks, and without starting two processes. The URL must hold no credentials.
 */
export async function makeGitDirectory(gitdir: string, url: string): Promise<void> {
  const folders = ['hooks', 'info', 'objects/info', 'objects/pack', 'refs/heads', 'refs/tags'];
  await Promise.all(folders.map((name) => mkdir(join(gitdir, name), { recursive: true })));
  await writeFile(join(gitdir, 'HEAD'), 'ref: refs/heads/main\n');
  await writeFile(join(gitdir, 'config'), config(url));
}

/** Writes a loose ref; `name` begins with `refs/` and was checked. */
export async function writeRef(gitdir: string, name: string, sha: string): Promise<void> {
  const path = join(gitdir, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${sha}\n`);
}

/**
 * Adds refs to the packed ones, which loose ones of the same name outdo. The names were checked, as
 * of `writeRef`.
 */
export async function addPackedRefs(
  gitdir: string,
  refs: Iterable<readonly [name: string, sha: string]>,
): Promise<void> {
  const lines = Array.from(refs, ([name, sha]) => `${sha} ${name}\n`);
  if (lines.length > 0) await appendFile(join(gitdir, 'packed-refs'), lines.join(''));
}

/** Points HEAD; a branch is made, and follows the one of the same name at `origin`. */
export async function writeHead(gitdir: string, url: string, head: Head): Promise<void> {
  const { commit, branch } = head;
  if (branch === undefined) return writeFile(join(gitdir, 'HEAD'), `${commit}\n`);
  await writeRef(gitdir, `refs/heads/${branch}`, commit);
  await writeFile(join(gitdir, 'HEAD'), `ref: refs/heads/${branch}\n`);
  await writeFile(join(gitdir, 'config'), config(url) + tracking(branch));
}

function config(url: string): string {
  const lines = [
    '[core]',
    '\trepositoryformatversion = 0',
    '\tfilemode = true',
    '\tbare = false',
    '\tlogallrefupdates = true',
    '[remote "origin"]',
    `\turl = ${quoted(url)}`,
    '\tfetch = +refs/heads/*:refs/remotes/origin/*',
  ];
  return `${lines.join('\n')}\n`;
}

function tracking(branch: string): string {
  const merge = quoted(`refs/heads/${branch}`);
  return `[branch ${quoted(branch)}]\n\tremote = origin\n\tmerge = ${merge}\n`;
}

/** Line breaks cannot come here: neither a checked URL nor a checked name holds one. */
function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
