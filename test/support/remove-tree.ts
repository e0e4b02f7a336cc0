import { execFile } from 'node:child_process';
import { chmod, lstat, opendir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Removes a folder that no step uses any more, also what a test made unreadable, and what a process
 * that was killed left mounted there.
 */
export async function removeTree(root: string): Promise<void> {
  await unmountBelow(root);
  try {
    await rm(root, { recursive: true, force: true, maxRetries: 3 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EACCES' && code !== 'EPERM') throw error;
    await openFolders(root);
    await rm(root, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function openFolders(folder: string): Promise<void> {
  if (!(await lstat(folder)).isDirectory()) return;
  await chmod(folder, 0o700);
  for await (const entry of await opendir(folder)) {
    if (entry.isDirectory()) await openFolders(join(folder, entry.name));
  }
}

async function unmountBelow(root: string): Promise<void> {
  const mounts = (await readFile('/proc/self/mounts', 'utf8'))
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((path) => path.startsWith(`${root}/`))
    .reverse();
  for (const mount of mounts) await run('umount', ['--lazy', mount]);
}
