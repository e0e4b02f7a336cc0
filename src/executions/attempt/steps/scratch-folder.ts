import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Workspace } from '../../../workspaces/workspace.js';

/** A folder of ours alone beside the workspace, for what is copied while a tree is packed. */
export async function scratchOf({ root }: Pick<Workspace, 'root'>): Promise<string> {
  const scratch = join(root, 'scratch');
  await mkdir(scratch, { recursive: true, mode: 0o700 });
  return scratch;
}
