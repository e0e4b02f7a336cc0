import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { messageOf } from '../../../common/values/error-message.js';
import { nameRecord } from '../../../common/values/name-record.js';
import { readEnvironment } from '../../../config/environment.js';

/** Of a listing: a million names of a common length, and more. */
const MAX_OUTPUT_BYTES = 512 * 1024 * 1024;
/** What git may take to be read, ms. */
const LIMIT_MS = 300_000;
/**
 * Of the caller's variables: where git finds its configuration and what it trusts (`SUDO_UID`:
 * folders of who called sudo). With those of a hook (`GIT_DIR`) it would look elsewhere.
 */
const INHERITED =
  /^(PATH|HOME|XDG_CONFIG_HOME|TMPDIR|SUDO_UID|GIT_CONFIG_(GLOBAL|SYSTEM|NOSYSTEM|COUNT|(KEY|VALUE)_\d+))$/;
/** The repository of the caller names programs that need not run for this. */
const SETTINGS = ['core.fsmonitor=false', 'core.hooksPath=/dev/null', 'gc.auto=0'];

/** What git said against it: the first line that it wrote. */
export class GitRefusal extends Error {}

/**
 * Runs the caller's git program in a folder, with the caller's own configuration.
 *
 * @returns its output; undefined: there is no git program
 * @param signal ends it
 * @param input what it reads
 * @throws GitRefusal, the reason of the signal
 */
export async function askGit(
  folder: string,
  args: readonly string[],
  signal?: AbortSignal,
  input = Buffer.alloc(0),
): Promise<Buffer | undefined> {
  const inherited = Object.entries(readEnvironment()).filter(([name]) => INHERITED.test(name));
  try {
    const running = promisify(execFile)(
      'git',
      [...SETTINGS.flatMap((setting) => ['-c', setting]), ...args],
      {
        cwd: folder,
        env: { ...nameRecord(inherited), LC_ALL: 'C', GIT_OPTIONAL_LOCKS: '0' },
        encoding: 'buffer',
        maxBuffer: MAX_OUTPUT_BYTES,
        timeout: LIMIT_MS,
        signal,
      },
    );
    // A program that has ended does not read it: what it said tells why.
    running.child.stdin?.on('error', () => undefined).end(input);
    return (await running).stdout;
  } catch (error) {
    signal?.throwIfAborted();
    const { code, stderr } = error as { code?: unknown; stderr?: Buffer };
    if (code === 'ENOENT') return undefined;
    const said = stderr?.toString().trim().split('\n').at(0) ?? '';
    throw new GitRefusal(said === '' ? messageOf(error) : said.replace(/^fatal: /, ''));
  }
}

/** Whether there is a git program, asked for in a folder that is there. */
export async function hasGit(folder: string): Promise<boolean> {
  return (await askGit(folder, ['--version'])) !== undefined;
}
