import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rename, writeFile } from 'node:fs/promises';
import type { Environment } from '../../config/environment.js';
import { EmbeddedError } from './embedded.error.js';
import { heldOrExit } from './file-lock.js';
import { endProcess } from './end-process.js';

/** A process to end when its supervisor is gone. */
export interface GuardedProcess {
  readonly pid: number;
  readonly startTicks: number;
  readonly signal: NodeJS.Signals;
}

/**
 * Holds the lock of a home, and outlives the supervisor for a moment: a small shell whose standard
 * input is ours. When we die, by kill -9 too, it ends the processes in the list (each known by pid
 * and start time), removes the temporary folders, and only then lets the lock go, so that no two
 * sets of services ever run on one home.
 */
export interface HomeGuard {
  /** Replaces the list of processes. */
  watch(processes: readonly GuardedProcess[]): Promise<void>;
  /** Lets the lock go; call it when all processes have ended. */
  release(): Promise<void>;
}

/**
 * The lock is closed to others, an older one too: whoever can read a file can hold a lock on it for
 * ever.
 */
const GUARD = `umask 077
exec 9>>"$0" && chmod 600 "$0" || exit 74
flock -n 9 || exit 75
trap '' INT TERM HUP QUIT
echo held
list=$1; shift
cat >/dev/null
alive() {
  s=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  set -- "$2" \${s##*) }
  [ "\${21}" = "$1" ] && [ "$2" != Z ]
}
while read -r signal pid start; do
  alive "$pid" "$start" && kill -s "$signal" "$pid" 2>/dev/null
done <"$list"
n=0
while [ $n -lt 150 ]; do
  some=
  while read -r signal pid start; do alive "$pid" "$start" && some=1; done <"$list"
  [ -z "$some" ] && break
  n=$((n + 1)); sleep 0.1
done
while read -r signal pid start; do
  alive "$pid" "$start" && kill -s KILL "$pid" 2>/dev/null
done <"$list"
for folder in "$@"; do rm -rf "$folder"; done
: >"$list"`;

export interface GuardOptions {
  /** The lock's file; made when missing. */
  readonly lockPath: string;
  /** Where the list of processes is kept. */
  readonly listPath: string;
  /** Folders to remove at the end. */
  readonly temporary: readonly string[];
  readonly env: Environment;
  /**
   * The guard died and no other could take its place: another Millrace may take the home at any
   * moment.
   */
  readonly onLost: (error: unknown) => void;
}

/**
 * Takes the lock at once or not at all, and ends what a killed predecessor and its guard left
 * running. A guard that is killed is replaced by another.
 *
 * @throws EmbeddedError `home_in_use` when another Millrace has the home; `lock_unavailable`.
 */
export async function guardHome(options: GuardOptions): Promise<HomeGuard> {
  let guard = await startGuard(options);
  let released = false;
  const replace = async (): Promise<void> => {
    if (released) return;
    // Its `cat` holds the lock as long as our end is open.
    guard.stdin?.destroy();
    guard = await retry(() => startGuard(options));
    guard.once('exit', onExit);
  };
  const onExit = (): void => void replace().catch(options.onLost);
  guard.once('exit', onExit);
  await endLeftovers(options.listPath);
  await writeList(options.listPath, []);
  let written: Promise<void> = Promise.resolve();
  const watch = (processes: readonly GuardedProcess[]): Promise<void> => {
    // A write that failed was reported to its own caller and must not stop the next one.
    written = written.catch(() => undefined).then(() => writeList(options.listPath, processes));
    return written;
  };
  return {
    watch,
    async release() {
      released = true;
      await watch([]);
      await closed(guard);
    },
  };
}

async function startGuard(options: GuardOptions): Promise<ChildProcess> {
  const args = ['-c', GUARD, options.lockPath, options.listPath, ...options.temporary];
  const guard = spawn('/bin/sh', args, {
    env: { PATH: options.env['PATH'], LC_ALL: 'C' },
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const outcome = await heldOrExit(guard);
  if (outcome.kind === 'exit') throw refusal(options.lockPath, outcome.code, outcome.stderr);
  return guard;
}

/** Tries for about 2 s: the lock is free a moment after its holder died. */
async function retry<T>(action: () => Promise<T>): Promise<T> {
  for (let left = 40; ; left -= 1) {
    try {
      return await action();
    } catch (error) {
      if (left === 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

function refusal(path: string, code: number | null, stderr: string): EmbeddedError {
  if (code === 75 && stderr === '') {
    return new EmbeddedError(
      'home_in_use',
      `another Millrace is running on this home (lock ${path})`,
      'Use that one, stop it first, or set MILLRACE_HOME to another folder for a second one.',
    );
  }
  return new EmbeddedError(
    'lock_unavailable',
    `cannot lock ${path}: ${stderr}`,
    'Check that the folder is writable and that the program "flock" (package util-linux) is installed.',
  );
}

async function closed(guard: ChildProcess): Promise<void> {
  if (guard.exitCode !== null || guard.signalCode !== null) return;
  const exit = once(guard, 'exit');
  guard.stdin?.end();
  await exit;
}

async function writeList(path: string, processes: readonly GuardedProcess[]): Promise<void> {
  const lines = processes.map(
    (entry) => `${entry.signal.replace(/^SIG/, '')} ${String(entry.pid)} ${entry.startTicks}\n`,
  );
  await writeFile(`${path}.new`, lines.join(''), { mode: 0o600 });
  await rename(`${path}.new`, path);
}

async function endLeftovers(path: string): Promise<void> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const left = parseList(text).map((entry) => endProcess(entry, entry.signal, 15_000));
  await Promise.all(left);
}

/** Reads a list of processes; lines that are not whole (a write that was cut off) are left out. */
export function parseList(text: string): readonly GuardedProcess[] {
  return text.split('\n').flatMap((line) => {
    const match = /^(TERM|INT|QUIT|KILL) (\d+) (\d+)$/.exec(line);
    if (match === null) return [];
    const signal = `SIG${match[1] ?? 'TERM'}` as NodeJS.Signals;
    return [{ signal, pid: Number(match[2]), startTicks: Number(match[3]) }];
  });
}
