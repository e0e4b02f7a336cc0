import type { LeftOutList } from '../../../common/tree/left-out.js';
import { shownSize } from '../../../common/values/shown-size.js';
import type { LocalTree, TreeCopy } from './local-tree.js';

/** Names that are said, of each kind. */
const SHOWN = 10;

/** What a run says of the tree that it begins with. */
export function treeLines({ folder, checkout }: LocalTree, copy: TreeCopy): string[] {
  const { branch, commit, isChanged } = checkout;
  const facts = [
    branch === undefined ? 'no branch' : `branch ${branch}`,
    commit === undefined ? 'no commit' : commit.slice(0, 8),
    ...(isChanged ? ['with what is not committed'] : []),
  ];
  const size = `${copy.files} files, ${shownSize(copy.bytes)}`;
  const { listed, unlisted } = copy.leftOut;
  const left = listed.map(({ path, reason }) => `${path} (${reason})`);
  return [
    `Tree: ${folder} (${facts.join(', ')}), ${size}`,
    ...said('Left out', left, unlisted),
    ...said('Copied while it changed', namesOf(copy.changing), copy.changing.unlisted),
    ...said('Submodules, left out', copy.submodules, 0),
    ...said('Other checkouts in it, left out', copy.others, 0),
    ...(copy.noRepository === undefined ? [] : [`Without .git: ${copy.noRepository}`]),
  ];
}

function namesOf({ listed }: LeftOutList): string[] {
  return listed.map(({ path }) => path);
}

function said(what: string, names: readonly string[], more: number): string[] {
  if (names.length + more === 0) return [];
  const shown = names.slice(0, SHOWN);
  const rest = names.length - shown.length + more;
  return [`${what}: ${shown.join(', ')}${rest === 0 ? '' : `, and ${rest} more`}`];
}
