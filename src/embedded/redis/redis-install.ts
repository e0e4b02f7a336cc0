import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openDebianArchive, type ArchiveOptions } from '../debian/debian-archive.js';
import {
  libraryLayout,
  missingLibraries,
  pruneFolder,
  unpackPackages,
  wrapProgram,
} from '../debian/debian-root.js';
import { EmbeddedError } from '../system/embedded.error.js';

/** Name of the component in the cache. Raise the number when the recipe below changes. */
export const REDIS_COMPONENT = 'redis-8-1';

const CUTS = [/^adduser$/, /^passwd$/, /^systemd/, /^gcc-\d+-base$/, /^openssl/, /^libc-gconv/];

/** The server program of an installed component. */
export function redisServerPath(root: string): string {
  return join(root, 'usr/bin/redis-server');
}

/**
 * Makes the Redis server in `root` (an empty folder): about 12 packages, 9 MB down, in a few
 * seconds.
 */
export async function installRedis(root: string, options: ArchiveOptions): Promise<void> {
  const layout = libraryLayout(process.platform, process.arch);
  const scratch = join(root, '.scratch');
  const archive = await openDebianArchive(join(scratch, 'apt'), options);
  const names = await archive.closure(['redis-server'], CUTS);
  options.progress(`Fetching Redis (${String(names.length)} packages)`);
  const debs = await archive.download(names, join(scratch, 'debs'));
  await unpackPackages(root, debs, options);
  const programs = join(root, 'usr/bin');
  // The package has a link to redis-check-rdb, one program that acts by its name.
  await rm(join(programs, 'redis-server'));
  await copyFile(join(programs, 'redis-check-rdb'), join(programs, 'redis-server'));
  await pruneFolder(programs, (name) => name !== 'redis-server');
  await pruneFolder(join(root, 'usr/share'), (name) => name === 'gcc' || name === 'gdb');
  await wrapProgram(root, programs, 'redis-server', layout);
  const absent = await missingLibraries(root, [join(root, 'usr/elf/redis-server')], layout);
  if (absent.length > 0) {
    throw new EmbeddedError(
      'verification_failed',
      `the packages of Redis are not complete: ${absent.join('; ')}`,
      'Start again later (Debian’s archive may be in transition), or set REDIS_URL.',
    );
  }
  await rm(scratch, { recursive: true, force: true });
}
