import { askGit, GitRefusal } from './git-command.js';
import type { GitCheckout } from './git-checkout.js';

const OF_FILES = /^core\.(filemode|autocrlf|eol|symlinks|ignorecase)$/;

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
    for (const [name, value] of await checkoutSettings(root, signal)) {
      await ask('config', name, value);
    }
    // The index is that of the commit; the files stay.
    await ask('reset', '--quiet');
    await skipAbsent(root, folder, signal);
    const [origin] = remotes;
    if (origin !== undefined) {
      await ask('config', 'remote.origin.url', withoutCredentials(origin));
      await ask('config', 'remote.origin.fetch', '+refs/heads/*:refs/remotes/origin/*');
      if (branch !== undefined) {
        await ask('config', `branch.${branch}.remote`, 'origin');
        await ask('config', `branch.${branch}.merge`, `refs/heads/${branch}`);
      }
    }
    return undefined;
  } catch (error) {
    if (error instanceof GitRefusal) return error.message;
    throw error;
  }
}

/** What git has to know of files to see the same changes in them, wherever it was set. */
async function checkoutSettings(
  root: string,
  signal: AbortSignal,
): Promise<readonly (readonly [name: string, value: string])[]> {
  const said = await askGit(root, ['config', '--list', '-z'], signal);
  const entries = (said?.toString() ?? '').split('\0').flatMap((entry) => {
    const cut = entry.indexOf('\n');
    const name = entry.slice(0, cut);
    return cut >= 0 && OF_FILES.test(name) ? [[name, entry.slice(cut + 1)] as const] : [];
  });
  // The last one counts.
  return [...new Map(entries)];
}

/** What a sparse checkout has not is no change of the copy either. */
async function skipAbsent(root: string, folder: string, signal: AbortSignal): Promise<void> {
  const tagged = await askGit(root, ['ls-files', '-t', '-z'], signal);
  const paths = (tagged?.toString('latin1') ?? '').split('\0');
  const skipped = paths.filter((path) => path.startsWith('S ')).map((path) => path.slice(2));
  if (skipped.length === 0) return;
  const known = await askGit(folder, ['ls-files', '-z'], signal);
  const names = new Set((known?.toString('latin1') ?? '').split('\0'));
  const input = skipped.filter((path) => names.has(path)).map((path) => `${path}\0`);
  const args = ['update-index', '-z', '--skip-worktree', '--stdin'];
  await askGit(folder, args, signal, Buffer.from(input.join(''), 'latin1'));
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
