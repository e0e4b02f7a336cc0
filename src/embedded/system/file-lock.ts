import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Environment } from '../../config/environment.js';
import { EmbeddedError } from './embedded.error.js';
import { killGroup } from './end-process.js';

/**
 * A lock on a file that the kernel drops when its holder dies: `flock` held by a small shell whose
 * standard input is ours, so it cannot outlive us. (Node has no flock, and a file with a pid in it
 * cannot be taken over without a race.)
 */
export interface FileLock {
  /** Gives the lock back; when it resolves another process can take it. */
  release(): Promise<void>;
}

/** Closed to others, an older file too: whoever can read a file can hold a lock on it for ever. */
const HOLD =
  'umask 077; exec 9>>"$0" || exit 74; chmod 600 "$0"; flock "$@" 9 || exit 75; echo held; exec cat';

/**
 * Takes the lock on `path` (made when missing; its folder must exist).
 *
 * @param onWait called once when somebody else holds the lock, before waiting for it.
 * @throws EmbeddedError `lock_unavailable`; `aborted` when the signal fires while waiting.
 */
export async function acquireFileLock(
  path: string,
  options: {
    readonly env: Environment;
    readonly signal?: AbortSignal | undefined;
    readonly onWait: () => void;
  },
): Promise<FileLock> {
  const atOnce = await tryHold(path, ['-n'], options.env, options.signal);
  if (atOnce !== undefined) return atOnce;
  options.onWait();
  const later = await tryHold(path, [], options.env, options.signal);
  if (later !== undefined) return later;
  throw new EmbeddedError('lock_unavailable', `cannot lock ${path}`, LOCK_ADVICE);
}

const LOCK_ADVICE =
  'Check that the folder is writable and that the program "flock" (package util-linux) is installed.';

async function tryHold(
  path: string,
  flags: readonly string[],
  env: Environment,
  signal?: AbortSignal,
): Promise<FileLock | undefined> {
  const holder = spawn('/bin/sh', ['-c', HOLD, path, ...flags], {
    env: { PATH: env['PATH'], LC_ALL: 'C' },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  // All of it: the program that waits is a child of the shell.
  const abort = (): void => killGroup(holder.pid);
  signal?.addEventListener('abort', abort, { once: true });
  if (signal?.aborted === true) abort();
  const outcome = await heldOrExit(holder);
  signal?.removeEventListener('abort', abort);
  if (outcome.kind === 'held') return { release: () => release(holder) };
  if (signal?.aborted === true) {
    throw new EmbeddedError(
      'aborted',
      'stopped while waiting for a lock',
      'Start again when ready.',
    );
  }
  if (outcome.code === 75 && flags.length > 0 && outcome.stderr === '') return undefined;
  throw new EmbeddedError(
    'lock_unavailable',
    `cannot lock ${path}: ${outcome.stderr}`,
    LOCK_ADVICE,
  );
}

type HoldOutcome =
  | { readonly kind: 'held' }
  | { readonly kind: 'exit'; readonly code: number | null; readonly stderr: string };

/** Waits until the holder said that it has the lock, or ended without it. */
export function heldOrExit(holder: ChildProcess): Promise<HoldOutcome> {
  return new Promise((resolve, reject) => {
    let stderr = '';
    holder.stderr?.on(
      'data',
      (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(-2000)),
    );
    holder.stdout?.once('data', () => resolve({ kind: 'held' }));
    holder.once('close', (code) => resolve({ kind: 'exit', code, stderr: stderr.trim() }));
    holder.once('error', reject);
  });
}

async function release(holder: ChildProcess): Promise<void> {
  if (holder.exitCode !== null || holder.signalCode !== null) return;
  const exit = once(holder, 'exit');
  holder.stdin?.end();
  await exit;
}
