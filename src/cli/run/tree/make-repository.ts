import { askGit, GitRefusal } from './git-command.js';
import type { GitCheckout } from './git-checkout.js';

/**
 * Gives a copy of the files of a checkout a repository of its own, as a clone has it: the commit
 * with as much of its history, the branch, and `origin` where that of the checkout is. What was
 * changed and not committed is so there too. Nothing in it leads back to the checkout, and no
 * password or token of a URL is in it: steps see it.
 *
 * @param depth commits of history; 0 = all, with the tags
 * @returns why there is none; undefined: it is made
 * @throws the reason of the signal
 */
export async function makeRepository(
  folder: string,
  { root, branch, commit, remotes }: GitCheckout,
  depth: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (commit === undefined) return 'there is no commit yet';
  const fetched = depth === 0 ? ['--tags', '--update-shallow'] : [`--depth=${depth}`, '--no-tags'];
  const ask = (...args: readonly string[]) => askGit(folder, args, signal);
  try {
    await ask('init', '--quiet', '--template=');
    await ask('fetch', '--quiet', '--no-write-fetch-head', ...fetched, root, 'HEAD');
    if (branch === undefined) await ask('update-ref', '--no-deref', 'HEAD', commit);
    else {
      await ask('update-ref', `refs/heads/${branch}`, commit);
      await ask('symbolic-ref', 'HEAD', `refs/heads/${branch}`);
    }
    // The index is that of the commit; the files stay.
    await ask('reset', '--quiet');
    const [origin] = remotes;
    if (origin !== undefined) {
      await ask('config', 'remote.origin.url', withoutCredentials(origin));
    }
    return undefined;
  } catch (error) {
    if (error instanceof GitRefusal) return error.message;
    throw error;
  }
}

/** The user of ssh is no secret, and stays. */
function withoutCredentials(origin: string): string {
  if (!URL.canParse(origin)) return origin;
  const url = new URL(origin);
  const isSsh = /^(git\+)?ssh(\+git)?:$/.test(url.protocol);
  if (url.password === '' && (isSsh || url.username === '')) return origin;
  url.password = '';
  if (!isSsh) url.username = '';
  return url.href;
}
