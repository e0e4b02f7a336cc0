import type { Reason } from '../../../engine/plan/run-state.js';
import { inFolder } from '../../../common/tree/in-folder.js';
import type { TreeFolder } from '../../../common/tree/tree-folder.js';
import { MAX_TREE_ENTRIES } from '../../../common/tree/tree-limits.js';

/** What bundlers put in front of the ending of a file: `index-BfX3k2Qa.js`, `site.5d41402a.css`. */
const HASHED = /[.-]([A-Za-z0-9_-]{8,64})\.[a-z0-9]{1,5}$/;
/** A hash has digits beside letters, or a capital in its middle; words and dates have not. */
const MIXED = [/(?=.*\d)(?=.*[A-Za-z])/, /[a-z].*[A-Z]/] as const;

/** Read by programs, and asked for by no page. */
const PACKAGES = /(?:^|\/)node_modules\//;

/**
 * That a release has files with a hash in their names which the next one has not: whoever loaded a
 * page of it asks for them behind the switch. Undefined: there are none.
 *
 * @param releases folder with both, by their numbers
 * @param advice what keeps them
 */
export async function goneAssets(
  releases: TreeFolder,
  before: number,
  next: number,
  advice?: string,
): Promise<Reason | undefined> {
  const there = new Set(await assetsOf(releases, next));
  return goneAmong(before, await assetsOf(releases, before), there, advice);
}

/**
 * The same of files whose paths are known. Pure.
 * @param files of the release before
 */
export function goneAmong(
  before: number,
  files: readonly string[],
  next: Pick<ReadonlySet<string>, 'has'>,
  advice = 'put them into source too',
): Reason | undefined {
  const isGone = (path: string): boolean =>
    isHashedName(path.slice(path.lastIndexOf('/') + 1)) && !PACKAGES.test(path) && !next.has(path);
  const gone = files.filter(isGone);
  const [first] = gone;
  if (first === undefined) return undefined;
  const count = gone.length === 1 ? first : `${first} and ${gone.length - 1} more`;
  return {
    code: 'assets_gone',
    message: `release ${before} has files that this one has not, and that pages which were loaded before the switch still ask for: ${count}; to keep them, ${advice}`,
    data: { release: before, count: gone.length },
  };
}

/** Whether a name is one of a file that has another one in each release. Pure. */
export function isHashedName(name: string): boolean {
  const hash = HASHED.exec(name)?.[1];
  return hash !== undefined && MIXED.some((mixed) => mixed.test(hash));
}

async function assetsOf(releases: TreeFolder, number: number): Promise<string[]> {
  const found: string[] = [];
  try {
    await inFolder(releases, [String(number)], (folder) => collect(folder, '', found));
  } catch (error) {
    // Somebody has removed it.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return found;
}

async function collect(folder: TreeFolder, path: string, found: string[]): Promise<void> {
  for (const { name: bytes, kind } of (await folder.entries(MAX_TREE_ENTRIES)) ?? []) {
    const name = bytes.toString();
    if (kind === 'folder') {
      // They have most of the files of many releases.
      if (name === 'node_modules') continue;
      await inFolder(folder, [name], (below) => collect(below, `${path}${name}/`, found));
    } else if (kind === 'file' && isHashedName(name)) found.push(`${path}${name}`);
  }
}
