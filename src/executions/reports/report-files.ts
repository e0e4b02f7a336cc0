import { JUnitError } from '../../common/junit/junit-error.js';
import { JUNIT_LIMITS } from '../../common/junit/junit-limits.js';
import { readJUnit } from '../../common/junit/read-junit.js';
import type { TextMasks } from '../../common/junit/junit-cases.js';
import type { TestCase } from '../../common/junit/test-case.js';
import { TreeWalk } from '../../common/globs/walk-globs.js';
import { reasonOrThrow } from '../../common/tree/left-out.js';
import { TreeFolder } from '../../common/tree/tree-folder.js';
import { Globs } from '../../common/values/globs/globs.js';
import { MAX_TREE_ENTRIES } from '../../common/tree/tree-limits.js';

/** Files of one try. */
const MAX_FILES = 1_000;
/** Cases of all files of one try. */
const MAX_CASES = JUNIT_LIMITS.maxCases;

export interface ReadReports {
  /** Of all files, in their order. */
  readonly cases: readonly TestCase[];
  readonly files: number;
  /** For people: what was not read, and why. */
  readonly problems: readonly string[];
}

/**
 * Reads the reports of a tree that strangers have written: no link is followed. What is older than
 * the step is of an earlier one, or was cloned, and is left out; what is no JUnit too. Texts of the
 * cases are masked.
 *
 * @throws WalkLimitError, the reason of the signal, an error of the disk
 */
export async function readReportFiles(
  root: string,
  globs: readonly string[],
  since: Date,
  masks: TextMasks,
  signal: AbortSignal,
): Promise<ReadReports> {
  const walk = new TreeWalk(new Globs(globs), { maxEntries: MAX_TREE_ENTRIES });
  const cases: TestCase[] = [];
  const problems: string[] = [];
  let files = 0;
  const top = await TreeFolder.open(root);
  try {
    for await (const entry of walk.entries(top)) {
      if (entry.kind !== 'file') continue;
      const { path } = entry;
      if (files === MAX_FILES) {
        problems.push(
          `there are more than ${MAX_FILES} files: ${path} and what follows is not read`,
        );
        break;
      }
      const maxCases = MAX_CASES - cases.length;
      const read = await readOne(entry.parent, entry.name, { since, masks, maxCases }, signal);
      if (typeof read === 'string') {
        problems.push(`${path} is not read: ${read}`);
        continue;
      }
      files += 1;
      cases.push(...read);
    }
  } finally {
    await top.close();
  }
  problems.push(...walk.unmatched().map((glob) => `nothing fits ${glob}`));
  return { cases, files, problems };
}

/** The cases, or why there are none. */
async function readOne(
  parent: TreeFolder,
  name: string,
  { since, masks, maxCases }: { since: Date; masks: TextMasks; maxCases: number },
  signal: AbortSignal,
): Promise<TestCase[] | string> {
  const file = await parent.file(name).catch(reasonOrThrow);
  if (typeof file === 'string') return 'it cannot be opened';
  try {
    const stat = await file.stat();
    if (!stat.isFile()) return 'it is no file';
    if (stat.mtime < since) return 'it is older than the step';
    const stream = file.createReadStream({ autoClose: false });
    return [...(await readJUnit(stream, masks, { ...JUNIT_LIMITS, maxCases }, signal))];
  } catch (error) {
    if (error instanceof JUnitError) return error.message;
    throw error;
  } finally {
    await file.close();
  }
}
