import { appendFile, mkdir, rm, writeFile } from 'node:fs/promises';
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
  await makeFolders(gitdir, folders);
  await writeFile(join(gitdir, 'HEAD'), 'ref: refs/heads/main\n');
  await writeFile(join(gitdir, 'config'), config(url));
}

/** Writes a loose ref; `name` begins with `refs/` and was checked. */
async function writeRef(gitdir: string, name: string, sha: string): Promise<void> {
  const path = join(gitdir, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${sha}\n`);
}

/**
 * Writes all refs that a clone has, in the place of those that it had; the names were checked, as
 * of `writeRef`.
 * @param remoteHead the name that `origin/HEAD` leads to
 */
export async function writeRefs(
  gitdir: string,
  refs: ReadonlyMap<string, string>,
  remoteHead?: string,
): Promise<void> {
  await rm(join(gitdir, 'refs'), { recursive: true, force: true });
  await makeFolders(gitdir, ['refs/heads', 'refs/tags']);
  const packed = [...refs].filter(([name]) => remoteHead === undefined || name !== REMOTE_HEAD);
  await writePackedRefs(gitdir, packed);
  if (remoteHead === undefined) return;
  await makeFolders(gitdir, [dirname(REMOTE_HEAD)]);
  await writeFile(join(gitdir, REMOTE_HEAD), `ref: ${remoteHead}\n`);
}

/** Refs of objects that a clone works with until `writeRefs`. */
export async function writeWorkRefs(gitdir: string, shas: readonly string[]): Promise<void> {
  await writePackedRefs(
    gitdir,
    [...new Set(shas)].map((sha) => [`refs/millrace/${sha}`, sha]),
  );
}

/** Says which names at the top of the tree a sparse checkout writes. */
export async function writePatterns(gitdir: string, names: readonly string[]): Promise<void> {
  const patterns = names.map((name) => `/${name}\n`).join('');
  await writeFile(join(gitdir, 'info', 'sparse-checkout'), patterns);
}

async function writePackedRefs(
  gitdir: string,
  refs: readonly (readonly [name: string, sha: string])[],
): Promise<void> {
  const lines = refs.map(([name, sha]) => `${sha} ${name}\n`);
  await writeFile(join(gitdir, 'packed-refs'), lines.join(''));
}

const REMOTE_HEAD = 'refs/remotes/origin/HEAD';

async function makeFolders(gitdir: string, names: readonly string[]): Promise<void> {
  await Promise.all(names.map((name) => mkdir(join(gitdir, name), { recursive: true })));
}

/** Points HEAD; a branch is made, and follows the one of the same name at `origin`. */
export async function writeHead(gitdir: string, url: string, head: Head): Promise<void> {
  const { commit, branch } = head;
  if (branch === undefined) return writeFile(join(gitdir, 'HEAD'), `${commit}\n`);
  await writeRef(gitdir, `refs/heads/${branch}`, commit);
  await writeFile(join(gitdir, 'HEAD'), `ref: refs/heads/${branch}\n`);
  await writeFile(join(gitdir, 'config'), config(url) + tracking(branch));
}

/** Says that a submodule is there, as `git submodule init` does. */
export async function addSubmodule(gitdir: string, name: string, url: string): Promise<void> {
  const section = `[submodule ${quoted(name)}]\n\tactive = true\n\turl = ${quoted(url)}\n`;
  await appendFile(join(gitdir, 'config'), section);
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

/**
 * Line breaks cannot come here: neither a checked URL, a checked name nor a line of `.gitmodules`
 * holds one.
 */
function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
