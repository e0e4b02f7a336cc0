import { askGit, GitRefusal } from './git-command.js';
import type { GitCheckout } from './git-checkout.js';

/**
 * Gives a copy of the files of a checkout a repository of its own, as a clone has it: the commit
 * with as much of its history, the branch, and `origin` where that of the checkout is. What was
 * changed and not committed is so there too. Nothing in it leads back to the checkout.
 *
 * @param depth commits of history; 0 = all, with the tags
 * @returns why there is none; undefined: it is made
 */
export async function makeRepository(
  folder: string,
  { root, branch, commit, remotes }: GitCheckout,
  depth: number,
): Promise<string | undefined> {
  if (commit === undefined) return 'there is no commit yet';
  const fetched = depth === 0 ? ['--tags', '--update-shallow'] : [`--depth=${depth}`, '--no-tags'];
  try {
    await askGit(folder, ['init', '--quiet', '--template=']);
    await askGit(folder, ['fetch', '--quiet', '--no-write-fetch-head', ...fetched, root, 'HEAD']);
    if (branch === undefined) await askGit(folder, ['update-ref', '--no-deref', 'HEAD', commit]);
    else {
      await askGit(folder, ['update-ref', `refs/heads/${branch}`, commit]);
      await askGit(folder, ['symbolic-ref', 'HEAD', `refs/heads/${branch}`]);
    }
    // The index is that of the commit; the files stay.
    await askGit(folder, ['reset', '--quiet']);
    const [origin] = remotes;
    if (origin !== undefined) await askGit(folder, ['config', 'remote.origin.url', origin]);
    return undefined;
  } catch (error) {
    if (error instanceof GitRefusal) return error.message;
    throw error;
  }
}
