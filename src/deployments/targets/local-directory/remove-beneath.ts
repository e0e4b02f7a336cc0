import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { TreeFolder } from '../../../common/tree/tree-folder.js';
import { processPathOf } from './process-path.js';

const run = promisify(execFile);

/**
 * Removes something in a folder, with all that is in it. `rm` opens each folder from the one above
 * it: whoever exchanges names meanwhile leads it nowhere else. Idempotent.
 */
export async function removeBeneath(folder: TreeFolder, name: string): Promise<void> {
  await run('rm', ['-rf', '--', `./${name}`], {
    cwd: processPathOf(folder),
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
  });
}
