import { lstat } from 'node:fs/promises';
import { join } from 'node:path';

const MAX_NAMED = 10;

/**
 * The line of the log that names the submodules of a commit, none of which is fetched: their URLs
 * come from the repository, so they are addresses that its author chose.
 * @param index gives the index as `git ls-files --stage -z` prints it; only read where there is a
 *   `.gitmodules`
 */
export async function submoduleNotice(
  directory: string,
  index: () => Promise<Buffer>,
): Promise<string | undefined> {
  const declared = await lstat(join(directory, '.gitmodules')).catch(() => undefined);
  if (!declared) return undefined;
  const entries = (await index()).toString('utf8').split('\0');
  return describeSubmodules(
    entries
      .filter((entry) => entry.startsWith('160000 '))
      .map((entry) => entry.slice(entry.indexOf('\t') + 1)),
  );
}

/** undefined where there are none. */
export function describeSubmodules(paths: readonly string[]): string | undefined {
  if (paths.length === 0) return undefined;
  const named = paths.slice(0, MAX_NAMED).join(', ');
  const more = paths.length > MAX_NAMED ? ` and ${paths.length - MAX_NAMED} more` : '';
  return `Submodules are not fetched, their folders are empty: ${named}${more}. Clone them in a step if they are needed.`;
}
