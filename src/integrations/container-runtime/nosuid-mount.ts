import { execFile } from 'node:child_process';
import { readFile, realpath } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const PATH = '/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin';

/**
 * Makes a folder a mount of itself on which no program gets other rights by the file it is in: root
 * of a container can leave a file there that would make root of whoever runs it outside. Nothing is
 * done where it is so already. Rejects where this process may not mount.
 */
export async function ensureNosuid(folder: string): Promise<void> {
  const path = await realpath(folder);
  if (await isNosuid(path)) return;
  await run('mount', ['--bind', '-o', 'nosuid,nodev', path, path], { env: { PATH } });
  if (!(await isNosuid(path))) throw new Error(`${path} could not be mounted nosuid`);
}

/** Takes it back, unless somebody works in there. */
export async function releaseNosuid(folder: string): Promise<void> {
  await run('umount', [await realpath(folder)], { env: { PATH } }).catch(() => undefined);
}

async function isNosuid(path: string): Promise<boolean> {
  const options = mountOptions(await readFile('/proc/self/mountinfo', 'utf8'), path);
  return options.has('nosuid') && options.has('nodev');
}

/**
 * Options of the mount that a path lies on, by the text of /proc/self/mountinfo; see proc(5): field
 * 5 is where, field 6 how; of two mounts at one place the later counts.
 */
export function mountOptions(mountinfo: string, path: string): ReadonlySet<string> {
  let best = '';
  let options = '';
  for (const line of mountinfo.split('\n')) {
    const [, , , , point = '', how = ''] = line.split(' ');
    const place = point.replace(/\\([0-7]{3})/g, (_all, code: string) =>
      String.fromCharCode(parseInt(code, 8)),
    );
    const holds = place === '/' || path === place || path.startsWith(`${place}/`);
    if (!holds || place.length < best.length) continue;
    best = place;
    options = how;
  }
  return new Set(options.split(','));
}
