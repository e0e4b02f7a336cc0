import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ChangesRequest } from './git-client.js';
import { makeGitDirectory } from './git-directory.js';
import type { GitProgramDriver } from './git-program-driver.js';

/**
 * Files in which two commits differ, by a partial fetch: the trees of the two without any file, and
 * where the merge base is asked for, before that the commits alone.
 * @param directory an empty folder
 */
export async function changedPaths(
  driver: GitProgramDriver,
  directory: string,
  url: string,
  { base, head, fromMergeBase }: Pick<ChangesRequest, 'base' | 'head' | 'fromMergeBase'>,
): Promise<readonly string[]> {
  const from = fromMergeBase ? await mergeBase(driver, directory, url, base, head) : base;
  await makeGitDirectory(join(directory, '.git'), url);
  await driver.fetchPartially(directory, 'blob:none', [from, head], 1);
  // A renamed file is one that is gone and one that is new.
  const diff = ['diff-tree', '-r', '-z', '--name-only', '--no-renames', from, head, '--'];
  const { stdout } = await driver.git(directory, diff);
  return stdout
    .toString('utf8')
    .split('\0')
    .filter((path) => path !== '');
}

async function mergeBase(
  driver: GitProgramDriver,
  directory: string,
  url: string,
  base: string,
  head: string,
): Promise<string> {
  const gitdir = join(directory, '.git');
  await makeGitDirectory(gitdir, url);
  await driver.fetchPartially(directory, 'tree:0', [base, head]);
  const { stdout } = await driver.git(directory, ['merge-base', base, head]);
  // It has trees of no commit, and would fetch each that it misses by itself.
  await rm(gitdir, { recursive: true });
  return stdout.toString('latin1').trim();
}
