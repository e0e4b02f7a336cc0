import { execFile } from 'node:child_process';
import { type FileHandle, open, readFile, realpath } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const PATH = '/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin';
/** Another process may take the mount away between a look and what follows it. */
const TRIES = 5;

/**
 * A folder that is a mount of itself on which no program gets other rights by the file it is in:
 * root of a container can leave a file there that would make root of whoever runs it outside.
 * Processes share it: it is there until the last one of them has released it.
 */
export class NosuidMount {
  private constructor(
    private readonly path: string,
    /** Who holds a file of a mount open keeps others from taking the mount away. */
    private readonly held: FileHandle,
  ) {}

  /** Rejects where this process may not mount. */
  static async over(folder: string): Promise<NosuidMount> {
    const path = await realpath(folder);
    for (let left = TRIES; left > 0; left -= 1) {
      const held = await open(path, 'r');
      if (await isNosuid(path)) return new NosuidMount(path, held);
      await held.close();
      await run('mount', ['--bind', '-o', 'nosuid,nodev', path, path], { env: { PATH } });
    }
    throw new Error(`${path} could not be mounted nosuid`);
  }

  /** Takes it back, unless another process holds it. */
  async release(): Promise<void> {
    await this.held.close();
    await run('umount', [this.path], { env: { PATH } }).catch(async (error: unknown) => {
      const { stderr } = error as { readonly stderr?: string };
      if (!/busy|not mounted/.test(stderr ?? '')) throw error;
    });
  }
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
