import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { setPriority } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { readCpuMs } from '../../common/child-process/process-stat.js';
import { frame, FrameReader } from '../../common/child-process/frames.js';
import type { RepositorySupport } from '../../common/values/repository-url.js';
import { SSH_FLAG } from './child-message.js';

export interface CompileProcessOptions {
  /** The program: `entryFile('compile-child')`. */
  readonly program: string;
  /**
   * A text that takes the processor for longer ends the process, its start counted.
   */
  readonly timeoutMs: number;
  /**
   * So does one that has no answer after so long: the machine has no time for it. Default: twelve
   * times `timeoutMs`.
   */
  readonly starvedMs?: number;
  /** What can be cloned from; default: no ssh. */
  readonly repositories?: RepositorySupport;
}

/** Heap of the process, MiB. */
const MAX_HEAP_MI_B = 256;
/**
 * A larger answer ends the process: the database takes no document over 16 MB, and reading it holds
 * this process.
 */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;
const STARVED = 12;
/** Of the limit: a process of a machine that has enough time gets all of it but a little. */
const BUSY_SHARE = 0.8;
/** Behind everything that serves requests. */
const NICENESS = 10;

interface Job {
  readonly settle: (answer: unknown) => void;
  readonly timer: NodeJS.Timeout;
}

/**
 * A process that answers one message of `ChildCompiler` after the other, with a limit of heap and a
 * kill timer.
 */
export class CompileProcess {
  private readonly child: ChildProcessByStdio<Writable, Readable, null>;
  private readonly answers = new FrameReader(MAX_ANSWER_BYTES);
  private job: Job | undefined;
  private ended = false;
  private hasBegun = false;
  private unserved = false;
  /** Bytes that it was given. */
  private given = 0;

  constructor(private readonly options: CompileProcessOptions) {
    const flags = options.repositories?.ssh === true ? [SSH_FLAG] : [];
    const args = [`--max-old-space-size=${MAX_HEAP_MI_B}`, options.program, ...flags];
    this.child = spawn(process.execPath, args, { env: {}, stdio: ['pipe', 'pipe', 'ignore'] });
    this.child.stdout.on('data', (part: Buffer) => this.hear(part));
    // A child that died closes its end; its exit tells what happened.
    this.child.stdin.on('error', () => undefined);
    this.child.on('error', () => {
      this.unserved = true;
      this.end();
    });
    this.child.on('close', () => this.end());
    this.child.once('spawn', () => this.lowerPriority());
  }

  /** False: it is of no use any more. */
  get alive(): boolean {
    return !this.ended;
  }

  /** True: it ended because the machine has no room for it, or no time. */
  get isUnserved(): boolean {
    return this.unserved;
  }

  /** Bytes of all messages so far: a process that has read much holds much memory. */
  get read(): number {
    return this.given;
  }

  /**
   * One message at a time. `undefined`: it took too long, too much memory, or made too much of it;
   * then the process has ended.
   */
  ask(message: Buffer): Promise<unknown> {
    if (this.ended) return Promise.resolve(undefined);
    this.given += message.length;
    return new Promise((resolve) => {
      const { timeoutMs, starvedMs = STARVED * timeoutMs } = this.options;
      const began = performance.now();
      const cpuBefore = this.hasBegun ? this.cpuMs : 0;
      this.hasBegun = true;
      const timer = setInterval(() => {
        const isBusy = this.cpuMs - cpuBefore >= timeoutMs * BUSY_SHARE;
        if (!isBusy && performance.now() - began < starvedMs) return;
        this.unserved = !isBusy;
        this.kill();
      }, timeoutMs);
      this.job = { settle: resolve, timer };
      this.child.stdin.write(frame(message));
    });
  }

  private get cpuMs(): number {
    return readCpuMs(this.child.pid ?? 0);
  }

  kill(): void {
    this.child.kill('SIGKILL');
    this.end();
  }

  private hear(part: Buffer): void {
    try {
      const [answer] = this.answers.push(part);
      if (answer === undefined) return;
      this.finish(JSON.parse(answer.toString('utf8')));
    } catch {
      // Too large, or no answer at all.
      this.kill();
    }
  }

  private finish(answer: unknown): void {
    const job = this.job;
    this.job = undefined;
    clearInterval(job?.timer);
    job?.settle(answer);
  }

  private end(): void {
    this.ended = true;
    this.finish(undefined);
  }

  private lowerPriority(): void {
    const { pid } = this.child;
    try {
      if (pid !== undefined) setPriority(pid, NICENESS);
    } catch {
      // It is gone already; its exit tells.
      this.kill();
    }
  }
}
