import { pointersLeft } from './git-lfs.js';
import { isText } from './isomorphic-git-index.js';
import type { WrittenTree } from './tree-checkout.js';

/** Attributes that change what is written, and how each stands in a line of `.gitattributes`. */
const WITHOUT_EFFECT: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['eol=crlf', /^eol=crlf$/],
  ['ident', /^ident$/],
  ['working-tree-encoding', /^working-tree-encoding=/],
];

/** Lines for the log: what isomorphic-git writes in another way than git does. */
export function checkoutNotices({ entries, attributes, pointers }: WrittenTree): readonly string[] {
  const notices: string[] = [];
  const set = attributes.flatMap(attributesSet);
  const names = WITHOUT_EFFECT.filter(([, pattern]) => set.some((one) => pattern.test(one)));
  if (names.length > 0) {
    notices.push(
      `Attributes without effect in this clone: ${names.map(([name]) => name).join(', ')}. ` +
        'They have one where the git program is installed.',
    );
  }
  if (pointers.length > 0 && set.includes('filter=lfs')) {
    notices.push(pointersLeft(pointers, 'which takes the git program and git-lfs'));
  }
  const odd = entries.filter(({ path }) => !isText(path)).length;
  if (odd > 0) {
    notices.push(
      `File names that are not UTF-8: ${odd}. They are written as they are, but git status shows these files as untracked.`,
    );
  }
  return notices;
}

/** Behind the pattern of each line that is no comment. */
function attributesSet(text: string): readonly string[] {
  return text
    .split(/\r?\n/)
    .filter((line) => !line.trimStart().startsWith('#'))
    .flatMap((line) => {
      const [, ...set] = /^\s*"/.test(line)
        ? line.replace(/^\s*"(?:[^"\\]|\\.)*"/, 'pattern').split(/\s+/)
        : line.trim().split(/\s+/);
      return set;
    });
}
