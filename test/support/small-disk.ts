import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * A tmpfs of that many MiB; undefined where it cannot be mounted: only root may. To be unmounted by
 * `unmountDisk`.
 */
export function mountSmallDisk(mebibytes: number): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-disk-'));
  const options = `size=${String(mebibytes)}m`;
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder]);
  if (status === 0) return folder;
  rmdirSync(folder);
  return undefined;
}

export function unmountDisk(folder: string | undefined): void {
  if (folder === undefined) return;
  spawnSync('umount', [folder]);
  rmdirSync(folder);
}
