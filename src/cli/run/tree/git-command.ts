import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { messageOf } from '../../../common/values/error-message.js';
import { nameRecord } from '../../../common/values/name-record.js';
import { readEnvironment } from '../../../config/environment.js';

/** Of a listing: a million names of a common length, and more. */
const MAX_OUTPUT_BYTES = 512 * 1024 * 1024;
/** What git may take to be read, ms. */
const LIMIT_MS = 300_000;
/** Of the caller's variables; with those of a hook (`GIT_DIR`) it would look elsewhere. */
const INHERITED = ['PATH', 'HOME', 'XDG_CONFIG_HOME', 'TMPDIR'] as const;
/** The repository of the caller names programs that need not run for this. */
const SETTINGS = ['core.fsmonitor=false', 'core.hooksPath=/dev/null', 'gc.auto=0'];

/** What git said against it: the last line that it wrote. */
export class GitRefusal extends Error {}

/**
 * Runs the caller's git program in a folder, with the caller's own configuration.
 *
 * @returns its output; undefined: there is no git program
 * @throws GitRefusal
 */
export async function askGit(folder: string, args: readonly string[]): Promise<Buffer | undefined> {
  const environment = readEnvironment();
  const inherited = INHERITED.map((name) => [name, environment[name]] as const);
  try {
    const { stdout } = await promisify(execFile)(
      'git',
      [...SETTINGS.flatMap((setting) => ['-c', setting]), ...args],
      {
        cwd: folder,
        env: { ...nameRecord(inherited), LC_ALL: 'C', GIT_OPTIONAL_LOCKS: '0' },
        encoding: 'buffer',
        maxBuffer: MAX_OUTPUT_BYTES,
        timeout: LIMIT_MS,
      },
    );
    return stdout;
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: Buffer };
    if (code === 'ENOENT') return undefined;
    const said = stderr?.toString().trim().split('\n').at(0) ?? '';
    throw new GitRefusal(said === '' ? messageOf(error) : said.replace(/^fatal: /, ''));
  }
}
