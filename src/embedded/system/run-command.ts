import { spawn } from 'node:child_process';
import type { Environment } from '../../config/environment.js';
import { EmbeddedError } from './embedded.error.js';
import { killGroup } from './end-process.js';

export interface CommandOptions {
  readonly env: Environment;
  readonly cwd?: string;
  /** Text for standard input; without it standard input is empty. */
  readonly input?: string;
  /** Run as this user instead of the caller's (only possible as root). */
  readonly uid?: number;
  readonly gid?: number;
  /**
   * Kills the command and all that it started: with a signal it has a process group of its own,
   * which Ctrl-C at the terminal does not reach; without one it stays in the caller's.
   */
  readonly signal?: AbortSignal;
}

export interface CommandResult {
  /** Exit code, or null when a signal ended the command. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Longest output kept of each stream, in bytes; more is dropped from its front. */
const MAX_OUTPUT_BYTES = 8 * 1024 * 1024;

/**
 * Runs a program without a shell and collects its output.
 *
 * @throws EmbeddedError `tool_missing` when the program is not found, `aborted` when the signal
 *   fired. A non-zero exit code is returned, not thrown.
 */
export function runCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: options.env,
      uid: options.uid,
      gid: options.gid,
      detached: options.signal !== undefined,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const stdout = collect(child.stdout);
    const stderr = collect(child.stderr);
    const abort = (): void => killGroup(child.pid);
    options.signal?.addEventListener('abort', abort, { once: true });
    child.once('error', (error: NodeJS.ErrnoException) => {
      options.signal?.removeEventListener('abort', abort);
      reject(error.code === 'ENOENT' ? missingTool(program, error) : error);
    });
    child.once('close', (code) => {
      options.signal?.removeEventListener('abort', abort);
      if (options.signal?.aborted === true) {
        reject(new EmbeddedError('aborted', `${program} was stopped`, 'Start again when ready.'));
        return;
      }
      resolve({ code, stdout: stdout(), stderr: stderr() });
    });
    // A child that ends before it has read its input breaks the pipe; its exit code tells the
    // reason.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    if (options.signal?.aborted === true) abort();
  });
}

function missingTool(program: string, cause: unknown): EmbeddedError {
  return new EmbeddedError(
    'tool_missing',
    `the program "${program}" is not installed or its folder does not exist`,
    `Install it (on Debian or Ubuntu: apt-get install ${packageOf(program)}), or set MONGODB_URI and REDIS_URL to servers of your own.`,
    cause,
  );
}

/** The Debian package that brings a program which this folder calls. */
function packageOf(program: string): string {
  const name = program.split('/').at(-1) ?? program;
  if (name === 'apt-get' || name === 'apt-cache' || name === 'apt-config') return 'apt';
  if (name === 'dpkg-deb' || name === 'dpkg') return 'dpkg';
  if (name === 'flock') return 'util-linux';
  if (name === 'cp' || name === 'id' || name === 'sync') return 'coreutils';
  return name;
}

function collect(stream: NodeJS.ReadableStream): () => string {
  let chunks: Buffer[] = [];
  let size = 0;
  stream.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    size += chunk.length;
    if (size <= 2 * MAX_OUTPUT_BYTES) return;
    chunks = [Buffer.concat(chunks).subarray(-MAX_OUTPUT_BYTES)];
    size = MAX_OUTPUT_BYTES;
  });
  return () => Buffer.concat(chunks).toString('utf8');
}
