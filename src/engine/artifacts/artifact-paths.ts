import { quoted } from '../../common/values/redact-urls.js';
import { namePattern } from '../patterns/name-pattern.js';

/** Code, message and suggestion, as the readers of YAML have them. */
export type PathProblem = readonly [string, string, string?];

const WILDCARD = /[*?{]/;
const GIT = '.git';

/**
 * What is wrong with a pattern of artifacts; undefined: nothing. It is relative to the workspace
 * and never leaves it, not even on a way that leads back in: `a/../b` is `b`.
 */
export function artifactPathProblem(pattern: string): PathProblem | undefined {
  const said = `"${quoted(pattern, 100)}"`;
  if (/^([/\\~]|[A-Za-z]:)/.test(pattern)) {
    return [
      'invalid_path',
      `${said} is not relative to the workspace.`,
      'Write it relative to the workspace: dist/**',
    ];
  }
  if (pattern.includes('\\')) {
    return ['invalid_path', `${said} holds a backslash.`, 'Write / between folders'];
  }
  if (pattern.startsWith('!')) {
    return ['invalid_path', `${said} leaves out; paths only name what is kept.`, 'Remove it'];
  }
  // Also as one of the choices of `{a,..}`.
  if (pattern.split(/[/{},]/).includes('..')) {
    return ['invalid_path', `${said} may lead out of the workspace.`, 'Write it without ".."'];
  }
  if (segments(pattern).length === 0) {
    return ['invalid_path', `${said} names no file.`, 'Write ** for everything'];
  }
  return undefined;
}

/**
 * Tells which files are artifacts, by their paths in the workspace (`dist/app.js`): those that fit
 * a pattern, and those in a folder that fits one. What is in a folder `.git` is none, unless the
 * pattern names `.git`.
 * @param patterns without problems
 */
export function artifactFilter(patterns: readonly string[]): (path: string) => boolean {
  const filters = patterns.map((pattern) => {
    const parts = segments(pattern);
    return { fits: namePattern(parts.join('/')), namesGit: parts.includes(GIT) };
  });
  return (path) => {
    const inGit = path.split('/').includes(GIT);
    const places = [path, ...foldersOf(path)];
    return filters.some(
      ({ fits, namesGit }) => (namesGit || !inGit) && places.some((place) => fits(place)),
    );
  };
}

/**
 * Files and folders outside of which nothing fits, so that nobody looks there; `''` is the whole
 * workspace. None of them is inside another.
 * @param patterns without problems
 */
export function artifactRoots(patterns: readonly string[]): string[] {
  const roots = patterns.map((pattern) => {
    const parts = segments(pattern);
    const wild = parts.findIndex((part) => WILDCARD.test(part));
    // A choice may hold slashes, so that its first part is cut in the middle.
    return parts.slice(0, wild === -1 ? parts.length : wild).join('/');
  });
  const sorted = [...new Set(roots)].sort();
  const isInside = (root: string, other: string): boolean =>
    other === '' ? root !== '' : root.startsWith(`${other}/`);
  return sorted.filter((root) => !sorted.some((other) => isInside(root, other)));
}

/** Names of folders and files, without those that lead nowhere. */
function segments(pattern: string): string[] {
  return pattern.split('/').filter((part) => part !== '' && part !== '.');
}

function foldersOf(path: string): string[] {
  const parts = path.split('/');
  return parts.slice(1).map((_part, index) => parts.slice(0, index + 1).join('/'));
}
