import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { TreeFolder } from '../../../common/tree/tree-folder.js';
import { processPathOf } from './process-path.js';

const run = promisify(execFile);

/** What was written to the file system of a folder outlives a loss of power (syncfs(2)). */
export async function syncFileSystem(folder: TreeFolder): Promise<void> {
  await run('sync', ['-f', '.'], {
    cwd: processPathOf(folder),
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
  });
}
