import type { PackedTree } from '../../common/archive/pack-tree.js';
import type { Reason } from '../../engine/plan/run-state.js';

/** Names of what was left out that a warning shows. */
const SHOWN = 10;

/** What of a tree is no part of the release. */
export function leftOutOf(tree: PackedTree): readonly Reason[] {
  const { listed, unlisted } = tree.result().leftOut;
  const count = listed.length + unlisted;
  if (count === 0) return [];
  const named = listed.slice(0, SHOWN).map(({ path, reason }) => `${path} (${reason})`);
  const more = count > named.length ? ` and ${count - named.length} more` : '';
  const message = `left out of the release: ${named.join(', ')}${more}`;
  return [{ code: 'left_out', message, data: { count } }];
}
