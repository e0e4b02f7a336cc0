import type { TreeFolder } from '../../../common/tree/tree-folder.js';

/** A path by which another process reaches a folder that this one holds open. */
export function processPathOf(folder: TreeFolder): string {
  return folder.pathOf('.').replace('/self/', `/${process.pid}/`);
}
