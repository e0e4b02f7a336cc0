import { expandBraces } from './braces.js';
import { GlobError } from './glob-error.js';
import { nameGlob, type NameGlob } from './name-glob.js';

const MAX_GLOBS = 100;
/** Of one glob, in UTF-16 units. */
const MAX_LENGTH = 500;
/** In none of the matches of a wildcard: it holds the history, and often more than is wanted. */
const GIT_FOLDER = '.git';

type Part = NameGlob | 'folders';

/** One of the alternatives that a glob stands for. */
interface Pattern {
  /** Unique in its list. */
  readonly id: number;
  /** Index of the glob that it was made of. */
  readonly glob: number;
  readonly isExclusion: boolean;
  readonly parts: readonly Part[];
  /** It ends with `/`. */
  readonly foldersOnly: boolean;
}

interface Position {
  readonly pattern: Pattern;
  /** Index of the part that is to fit next. */
  readonly next: number;
}

/** Where a walk stands: what is known of a folder and may fit below it. */
export interface GlobFolder {
  readonly positions: readonly Position[];
  /** A glob names it, or a folder above it: all below is included. */
  readonly isIncluded: boolean;
}

export interface GlobStep {
  readonly isIncluded: boolean;
  /** For what is below; undefined: no glob can fit there. */
  readonly folder: GlobFolder | undefined;
}

/**
 * A list of globs for paths below a folder, separated by `/`:
 *
 * - `*`, `?`, `[a-z]` within a name (`name-glob.ts`), `**` for any number of folders, also none,
 *   `{a,b}` for one of the two. Names that begin with a dot are like all others.
 * - A glob that names a folder means everything below it; one with `/` at its end only folders.
 * - `!glob` takes away, wherever it stands in the list: nothing brings that back.
 * - `.git` is in none, with all below it, unless a glob holds that name itself: `.git/config`.
 */
export class Globs {
  private readonly patterns: readonly Pattern[];

  /** @throws GlobError: one of them cannot be used */
  constructor(readonly globs: readonly string[]) {
    if (globs.length > MAX_GLOBS) {
      throw new GlobError(globs[0] ?? '', `There are more than ${MAX_GLOBS} globs.`);
    }
    this.patterns = globs
      .flatMap((glob, index) => patternsOf(glob, index))
      .map((pattern, id) => ({ ...pattern, id }));
    if (!this.patterns.some(({ isExclusion }) => !isExclusion)) {
      throw new GlobError(globs[0] ?? '', 'No glob says what is taken, so nothing can be.');
    }
  }

  /** A walk from the folder that the globs are for. */
  start(): GlobWalk {
    return new GlobWalk(this.globs, this.patterns);
  }

  /** Whether a path that is no folder is included. */
  matches(path: string): boolean {
    const walk = this.start();
    const names = path.split('/');
    let folder: GlobFolder | undefined = walk.top;
    let isIncluded = false;
    for (const [index, name] of names.entries()) {
      if (folder === undefined) return false;
      ({ isIncluded, folder } = walk.enter(folder, name, index < names.length - 1));
    }
    return isIncluded;
  }
}

/** Goes down name by name, so that no path is compared from its beginning again. */
export class GlobWalk {
  readonly top: GlobFolder;
  private readonly matched = new Set<number>();

  constructor(
    private readonly globs: readonly string[],
    patterns: readonly Pattern[],
  ) {
    const positions = patterns.flatMap((pattern) => withFollowing({ pattern, next: 0 }));
    this.top = { positions, isIncluded: false };
  }

  enter(folder: GlobFolder, name: string, isFolder: boolean): GlobStep {
    const positions = new Map<number, Position>();
    const hits = new Set<number>();
    const isGit = name === GIT_FOLDER;
    for (const { pattern, next } of folder.positions) {
      const part = pattern.parts[next];
      if (part === undefined || !fits(part, name, isGit && !pattern.isExclusion)) continue;
      const reached = part === 'folders' ? next : next + 1;
      if (reached < pattern.parts.length) {
        for (const position of withFollowing({ pattern, next: reached })) {
          positions.set(pattern.id * (MAX_LENGTH + 2) + position.next, position);
        }
      } else if (isFolder || !pattern.foldersOnly) {
        if (pattern.isExclusion) return { isIncluded: false, folder: undefined };
        hits.add(pattern.glob);
      }
    }
    for (const glob of hits) this.matched.add(glob);
    const isIncluded = hits.size > 0 || (folder.isIncluded && !isGit);
    const below = [...positions.values()];
    const mayFit = isIncluded || below.some(({ pattern }) => !pattern.isExclusion);
    return { isIncluded, folder: mayFit ? { positions: below, isIncluded } : undefined };
  }

  /** The globs, of those that take, that have fitted nothing until now. */
  unmatched(): readonly string[] {
    return this.globs.filter((glob, index) => !glob.startsWith('!') && !this.matched.has(index));
  }
}

function fits(part: Part, name: string, mustBeLiteral: boolean): boolean {
  if (part === 'folders') return !mustBeLiteral;
  return part.matches(name) && (!mustBeLiteral || part.literal !== undefined);
}

/** A position, and those behind the `**` that it stands at: these may fit no folder at all. */
function withFollowing(position: Position): readonly Position[] {
  const { pattern, next } = position;
  if (pattern.parts[next] !== 'folders') return [position];
  return [position, ...withFollowing({ pattern, next: next + 1 })];
}

function patternsOf(glob: string, index: number): readonly Omit<Pattern, 'id'>[] {
  const problem = (message: string): GlobError => new GlobError(glob, message);
  const isExclusion = glob.startsWith('!');
  const text = isExclusion ? glob.slice(1) : glob;
  if (text.trim() === '') throw problem('It is empty.');
  if (glob.length > MAX_LENGTH) throw problem(`It has more than ${MAX_LENGTH} characters.`);
  if (text.includes('\0')) throw problem('It holds a NUL.');
  if (text.includes('[[:')) throw problem('Named classes like [[:alpha:]] are not known.');
  // `{a,}` is `a` or nothing, and nothing names no path.
  const alternatives = expandBraces(text).filter((alternative) => alternative !== '');
  return alternatives.map((alternative) => {
    if (alternative.startsWith('/')) throw problem('It is not relative to the workspace.');
    const names = alternative.split('/').filter((name) => name !== '' && name !== '.');
    if (names.includes('..')) throw problem('It leads out by "..".');
    const parts = names
      // Two `**` side by side are one, and cost the square of it.
      .filter((name, at) => name !== '**' || names[at - 1] !== '**')
      .map((name): Part => (name === '**' ? 'folders' : nameGlob(name)));
    // All of the folder, and what is below `x/**` is not `x` itself.
    if (parts.length === 0 || parts.at(-1) === 'folders') parts.push(nameGlob('*'));
    return { glob: index, isExclusion, parts, foldersOnly: alternative.endsWith('/') };
  });
}
