import { execFile, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { promisify } from 'node:util';
import type { UrlCredentials } from '../../common/url-credentials.js';
import { GitError } from './git-client.js';
import { GroupGuard } from './group-guard.js';

/** An installed `git`. */
export interface GitProgram {
  readonly path: string;
  /** Such as `2.39.5`. */
  readonly version: string;
}

/**
 * `GIT_CONFIG_COUNT` came with this version: without it the settings below would have no effect.
 */
export const MINIMUM_GIT_VERSION = '2.31';

export const FIXED_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * Finds the `git` program. undefined when there is none or it is older than {@link
 * MINIMUM_GIT_VERSION}.
 * @param path a name that is looked up on a fixed PATH, or an absolute path
 */
export async function detectGitProgram(path = 'git'): Promise<GitProgram | undefined> {
  const output = await promisify(execFile)(path, ['--version'], {
    env: { PATH: FIXED_PATH, LC_ALL: 'C' },
    timeout: 10_000,
  }).catch(() => undefined);
  const version = /git version (\d+\.\d+(?:\.\d+)*)/.exec(output?.stdout ?? '')?.[1];
  if (version === undefined || !isAtLeast(version, MINIMUM_GIT_VERSION)) return undefined;
  return { path, version };
}

function isAtLeast(version: string, minimum: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [minimumMajor = 0, minimumMinor = 0] = minimum.split('.').map(Number);
  return major > minimumMajor || (major === minimumMajor && minor >= minimumMinor);
}

export interface GitCommand {
  readonly program: string;
  /** User text only behind `--` or in a place where git takes no option. */
  readonly args: readonly string[];
  readonly directory: string;
  readonly url: string;
  readonly credentials?: UrlCredentials;
  /** Written to stdin, which is closed then. */
  readonly input?: string | Buffer;
  /** Settings of git's configuration, on top of ours. */
  readonly settings: readonly GitSetting[];
  /** Added to the environment, such as a file of certificates. */
  readonly environment: Readonly<Record<string, string>>;
  /**
   * What each of git's processes may allocate, bytes (`RLIMIT_DATA`); files that it maps to read do
   * not count.
   */
  readonly maxMemoryBytes: number;
  readonly signal: AbortSignal;
  /** Whole lines of stderr; progress that overwrites itself (`\r`) comes only in its last state. */
  readonly onLine: (line: string) => void;
  /** The states of such a line before its last one. */
  readonly onUpdate?: (line: string) => void;
}

export interface GitOutcome {
  /** 128 + n when a signal ended it; null when one ended its shell. */
  readonly exitCode: number | null;
  readonly stdout: Buffer;
  /** The last 16 KiB. */
  readonly stderr: string;
}

/**
 * The text is constant: program and arguments are its parameters. The shell stays, to tell a death
 * by a signal as 128 + n: Node would tell one by a real-time signal as exit code 0.
 */
const UNDER_LIMIT = 'ulimit -d "$0" && "$@"; exit "$?"';
const SHELL_FOUND_NOTHING = 127;

const guard = new GroupGuard(FIXED_PATH);

type GitStdio = readonly [Writable, Readable, Readable, Writable | null];

const MAX_STDOUT_BYTES = 32 * 1024 * 1024;
const STDERR_TAIL = 16 * 1024;
/**
 * After the end of the program, how long its pipes may stay open in a descendant that outlived the
 * kill.
 */
const CLOSE_GRACE_MS = 5_000;

/**
 * Runs git once, in a process group of its own, without a terminal, the configuration of the
 * machine, or hooks. On abort the whole group is killed; the promise settles when every process
 * that held its pipes is gone.
 *
 * Credentials go through file descriptor 3, which a credential helper (a constant text) reads when
 * git asks for this host: they are neither in the arguments nor in the environment, and git asks
 * for another host without an answer.
 */
export async function runGit(command: GitCommand): Promise<GitOutcome> {
  const limit = String(Math.floor(command.maxMemoryBytes / 1024));
  const args = ['-c', UNDER_LIMIT, limit, command.program, ...command.args];
  const child = spawn('/bin/sh', args, {
    cwd: command.directory,
    env: gitEnvironment(command),
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe', command.credentials ? 'pipe' : 'ignore'],
  });
  const pid = child.pid;
  const killGroup = (): void => {
    if (pid !== undefined) killProcessGroup(pid);
  };
  const endGuard = pid === undefined ? undefined : guard.add(pid);
  command.signal.addEventListener('abort', killGroup, { once: true });
  if (command.signal.aborted) killGroup();

  const stdio: readonly unknown[] = child.stdio;
  const [stdin, output, errors, answer] = stdio as GitStdio;
  feed(stdin, command.input ?? '');
  if (answer && command.credentials) feed(answer, credentialAnswer(command.credentials));
  const stdout = collectBytes(output, killGroup);
  const stderr = collectLines(errors, command);

  try {
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => {
        if (code === SHELL_FOUND_NOTHING) reject(programMissing());
        else resolve(code);
      });
      child.once('exit', () => {
        // Whatever git left behind in its group has no more work to do.
        killGroup();
        setTimeout(
          () => child.stdio.forEach((stream) => stream?.destroy()),
          CLOSE_GRACE_MS,
        ).unref();
      });
    });
    return { exitCode, stdout: stdout(), stderr: stderr() };
  } finally {
    command.signal.removeEventListener('abort', killGroup);
    endGuard?.();
  }
}

function killProcessGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function programMissing(): GitError {
  return new GitError(
    'failed',
    'The git program was not found. Install it (apt-get install git), or use isomorphic-git.',
    false,
  );
}

function feed(stream: Writable, text: string | Buffer): void {
  // git may end, or never read, before all is written; its exit code tells what happened.
  stream.on('error', () => undefined);
  stream.end(text);
}

function credentialAnswer(credentials: UrlCredentials): string {
  return `username=${credentials.username}\npassword=${credentials.password}\n`;
}

function collectBytes(stream: Readable, stop: () => void): () => Buffer {
  const chunks: Buffer[] = [];
  let size = 0;
  stream.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > MAX_STDOUT_BYTES) stop();
    else chunks.push(chunk);
  });
  return () => Buffer.concat(chunks);
}

function collectLines(
  stream: Readable,
  { onLine, onUpdate }: Pick<GitCommand, 'onLine' | 'onUpdate'>,
): () => string {
  let rest = '';
  let tail = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    tail = (tail + chunk).slice(-STDERR_TAIL);
    const lines = (rest + chunk).split('\n');
    rest = (lines.pop() ?? '').slice(-STDERR_TAIL);
    for (const line of lines) onLine(line.replace(/\r+$/, '').split('\r').pop() ?? '');
    // What stands between two `\r` is whole.
    const state = rest.split('\r').at(-2);
    if (state !== undefined) onUpdate?.(state);
  });
  stream.on('end', () => onLine(rest.split('\r').pop() ?? ''));
  return () => tail;
}

function gitEnvironment(command: GitCommand): Record<string, string> {
  return {
    PATH: FIXED_PATH,
    LC_ALL: 'C',
    // No ~/.netrc, no ~/.config/git.
    HOME: '/nonexistent',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_SYSTEM: '/dev/null',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    // None, unless the route of the clone allows one.
    GIT_ALLOW_PROTOCOL: '',
    GIT_OPTIONAL_LOCKS: '0',
    // A single object that needs more ends git with a message that says so. Larger files are
    // streamed (core.bigFileThreshold).
    GIT_ALLOC_LIMIT: '1g',
    MALLOC_ARENA_MAX: '4',
    ...command.environment,
    ...configEnvironment(settings(command)),
  };
}

export type GitSetting = readonly [key: string, value: string];

function settings(command: GitCommand): readonly GitSetting[] {
  const base: GitSetting[] = [
    ...command.settings,
    ['core.hooksPath', '/dev/null'],
    ['core.fsmonitor', 'false'],
    ['init.templateDir', ''],
    ['init.defaultBranch', 'main'],
    ['advice.detachedHead', 'false'],
    ['core.protectHFS', 'true'],
    ['core.protectNTFS', 'true'],
    // Nothing is fetched from elsewhere because the server says so.
    ['transfer.bundleURI', 'false'],
    ['fetch.uriProtocols', ''],
    ['gc.auto', '0'],
    ['maintenance.auto', 'false'],
    ['submodule.recurse', 'false'],
    ['fetch.recurseSubmodules', 'false'],
    // Always a pack, never loose objects: a mirror is made of packs.
    ['fetch.unpackLimit', '1'],
    ['credential.helper', ''],
    // Memory: files over this size are never held whole.
    ['core.bigFileThreshold', '32m'],
    ['core.packedGitLimit', '256m'],
    ['core.packedGitWindowSize', '32m'],
    ['core.deltaBaseCacheLimit', '64m'],
    ['pack.threads', '2'],
    // The directory may belong to the user of the steps.
    ['safe.directory', '*'],
    // A transfer that moves nothing for two minutes ends.
    ['http.lowSpeedLimit', '1'],
    ['http.lowSpeedTime', '120'],
  ];
  if (!command.credentials) return base;
  const host = new URL(command.url).origin;
  return [...base, [`credential.${host}.helper`, CREDENTIAL_HELPER]];
}

/** git runs it with `sh -c`; it holds no outside text. */
const CREDENTIAL_HELPER = '!f() { test "$1" = get && exec cat <&3; }; f';

function configEnvironment(entries: readonly GitSetting[]): Record<string, string> {
  const pairs = entries.flatMap(([key, value], index): [string, string][] => [
    [`GIT_CONFIG_KEY_${index}`, key],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ]);
  return { GIT_CONFIG_COUNT: String(entries.length), ...Object.fromEntries(pairs) };
}
