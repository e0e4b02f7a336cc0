import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { ValidClone } from './clone-request.js';
import { type Cloned, GitError } from './git-client.js';
import type { GitMirrorSettings } from './git-mirror-store.js';
import type { ChildMessage, CloneMessage } from './isomorphic-git-messages.js';

export interface ChildLimits {
  /** V8's heap, MiB. It does not bound Buffers, hence the next one. */
  readonly maxHeapMib: number;
  /** Resident memory of the whole child, bytes, looked at every 100 ms (on Linux). */
  readonly maxRssBytes: number;
}

export interface ChildStart extends ChildLimits {
  /** The compiled entry file. */
  readonly entry: string;
  /** The child's whole environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly mirrors?: GitMirrorSettings;
  /** See `AddressPolicy`. */
  readonly allowPrivateUrls: readonly string[];
}

const RSS_INTERVAL_MS = 100;
const STDERR_TAIL = 4096;

/**
 * One child process that runs isomorphic-git, for one clone at a time. It does not keep this
 * process alive while it is idle.
 */
export class IsomorphicGitProcess {
  private readonly child: ChildProcess;
  private readonly gone: Promise<void>;
  private stderrTail = '';
  private tooLarge = false;
  private clones = 0;

  constructor(private readonly start: ChildStart) {
    this.child = spawn(
      process.execPath,
      [`--max-old-space-size=${start.maxHeapMib}`, start.entry],
      { env: { ...start.environment }, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] },
    );
    this.gone = new Promise((resolve) => {
      this.child.once('exit', () => resolve());
      this.child.once('error', () => resolve());
    });
    this.child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      this.stderrTail = (this.stderrTail + chunk).slice(-STDERR_TAIL);
    });
    this.unref();
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  get usable(): boolean {
    return this.child.connected;
  }

  /** Resident memory, bytes; 0 where the kernel does not tell (`/proc`). */
  residentBytes(): number {
    try {
      const status = readFileSync(`/proc/${this.child.pid}/status`, 'latin1');
      return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
    } catch {
      return 0; // Not Linux, or it has just ended.
    }
  }

  /**
   * Runs one clone. Rejects with what the child said, or with what its end means; on abort the
   * child is killed first. After a rejection the child is gone.
   */
  async run(
    clone: ValidClone,
    signal: AbortSignal,
    progress: (line: string) => void,
  ): Promise<Cloned> {
    this.ref();
    const kill = (): void => void this.child.kill('SIGKILL');
    signal.addEventListener('abort', kill, { once: true });
    const watch = setInterval(() => this.watchMemory(), RSS_INTERVAL_MS);
    try {
      signal.throwIfAborted();
      return await this.exchange(clone, progress);
    } catch (error) {
      await this.end();
      throw error;
    } finally {
      clearInterval(watch);
      signal.removeEventListener('abort', kill);
      this.unref();
    }
  }

  /** Kills the child and waits until it is gone. */
  async end(): Promise<void> {
    this.ref();
    this.child.kill('SIGKILL');
    await this.gone;
    this.child.stderr?.destroy();
  }

  private exchange(clone: ValidClone, progress: (line: string) => void): Promise<Cloned> {
    const id = ++this.clones;
    return new Promise((resolve, reject) => {
      const onMessage = (message: ChildMessage): void => {
        if (message.id !== id) return;
        if (message.type === 'progress') return progress(message.line);
        stop();
        if (message.type === 'done') return resolve(message.commit);
        reject(new GitError(message.code, message.message, message.retryable));
      };
      const onEnd = (): void => {
        stop();
        reject(this.endedEarly());
      };
      const onError = (error: Error): void => {
        stop();
        reject(error);
      };
      const stop = (): void => {
        this.child.off('message', onMessage).off('exit', onEnd).off('error', onError);
      };
      this.child.on('message', onMessage).once('exit', onEnd).once('error', onError);
      const { mirrors, allowPrivateUrls } = this.start;
      const message: CloneMessage = { type: 'clone', id, clone, mirrors, allowPrivateUrls };
      // A failure to send shows as the child's end.
      this.child.send(message, () => undefined);
    });
  }

  private watchMemory(): void {
    if (this.residentBytes() <= this.start.maxRssBytes) return;
    this.tooLarge = true;
    this.child.kill('SIGKILL');
  }

  private endedEarly(): GitError {
    if (
      this.tooLarge ||
      /heap out of memory|Array buffer allocation failed/.test(this.stderrTail)
    ) {
      return new GitError(
        'too_large',
        `The repository needs more memory than a clone may have (${Math.round(this.start.maxRssBytes / 2 ** 20)} MiB). ` +
          'Use a smaller depth, or the git program, which needs far less.',
        false,
      );
    }
    return new GitError('failed', 'The process of isomorphic-git ended without an answer.', true);
  }

  private ref(): void {
    this.child.ref();
    this.child.channel?.ref();
  }

  /** Its pipe for errors is a socket of ours and would keep this process alive too. */
  private unref(): void {
    this.child.unref();
    this.child.channel?.unref();
    (this.child.stderr as unknown as { unref?: () => void } | null)?.unref?.();
  }
}
