import { spawn, type ChildProcess } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { FrameReader } from '../../../common/child-process/frames.js';
import { watchSilence, type SilenceWatch } from '../../../common/child-process/silence-watch.js';
import { NODE_FLAGS } from '../../../config/node-flags.js';
import { ProcessRunnerError } from '../process-runner.error.js';
import type { LauncherIdentity } from '../protocol/launcher-folder.js';
import {
  decodeFrames,
  encodeFrame,
  LAUNCHER_LINK_FD,
  type LauncherEvent,
  type LauncherOptions,
  type LauncherRequest,
  MAX_FRAME_BYTES,
} from '../protocol/launcher-protocol.js';
import { readBootId } from '../../../common/child-process/process-stat.js';
import { FifoPool } from './fifo-pool.js';

const STDERR_TAIL_BYTES = 4096;

export type ProcessEvent = Extract<LauncherEvent, { event: 'started' | 'ended' }>;
/** A request that is answered, before it has its number. */
type Question =
  | { readonly op: 'kill'; readonly process: number; readonly graceMs: number }
  | { readonly op: 'sweep'; readonly group: string }
  | { readonly op: 'fifos' };
type Answer = Extract<LauncherEvent, { request: number }>;

export interface LinkOptions {
  readonly heartbeatMs: number;
  /** False: no heartbeat is sent. */
  readonly isSteady: () => boolean;
  /** A launcher that answers nothing for so long (someone stopped it) is killed. */
  readonly launcherSilenceLimitMs: number;
  readonly onEvent: (event: ProcessEvent) => void;
  /** Called once with what the launcher must do without on this machine. */
  readonly onProblem: (message: string) => void;
}

interface Waiting {
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

/** One living launcher, from the worker's side. */
export class LauncherLink {
  private readonly waiting = new Map<number, Waiting>();
  private readonly frames = new FrameReader(MAX_FRAME_BYTES);
  private readonly pipe: Duplex;
  private readonly heart: NodeJS.Timeout;
  private readonly onEvent: (event: ProcessEvent) => void;
  private watch: SilenceWatch | undefined;
  private requests = 0;
  private stderrTail = '';
  private open = true;
  private ready:
    | ((identity: LauncherIdentity, fifos: readonly string[], problem: string | undefined) => void)
    | undefined;
  private pool: FifoPool | undefined;
  private knownIdentity: LauncherIdentity | undefined;

  /** Resolves, when the launcher is gone, with what is known of it; never rejects. */
  readonly gone: Promise<string>;

  private constructor(
    private readonly child: ChildProcess,
    { heartbeatMs, isSteady, onEvent }: LinkOptions,
  ) {
    this.onEvent = onEvent;
    this.pipe = child.stdio[LAUNCHER_LINK_FD] as Duplex;
    this.pipe.on('data', (chunk: Buffer) => {
      this.watch?.heard();
      for (const event of decodeFrames<LauncherEvent>(this.frames, chunk)) this.receive(event);
    });
    // A launcher that was killed breaks the pipe; `gone` tells of it.
    this.pipe.on('error', () => undefined);
    child.stderr?.on('data', (chunk: Buffer) => {
      this.stderrTail = (this.stderrTail + chunk.toString()).slice(-STDERR_TAIL_BYTES);
    });
    this.heart = setInterval(() => {
      if (isSteady()) this.send({ op: 'beat' });
    }, heartbeatMs);
    this.gone = this.watchEnd();
  }

  /** @throws ProcessRunnerError `launcher_start_failed`. */
  static async start(
    entry: string,
    options: LauncherOptions,
    linkOptions: LinkOptions,
  ): Promise<LauncherLink> {
    // No environment: /proc/PID/environ of a launcher is as readable as a step's. A session of its
    // own: the terminal's Ctrl-C is not for it.
    const child = spawn(
      process.execPath,
      [...NODE_FLAGS.launcher, entry, JSON.stringify(options)],
      {
        env: {},
        cwd: '/',
        detached: true,
        stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      },
    );
    const link = new LauncherLink(child, linkOptions);
    const ready = new Promise<'ready'>((resolve) => {
      link.ready = (identity, fifos, problem) => {
        if (problem !== undefined) linkOptions.onProblem(problem);
        link.knownIdentity = identity;
        link.pool = new FifoPool(fifos, () => link.requestFifos());
        resolve('ready');
      };
    });
    const outcome = await Promise.race([ready, link.gone]);
    if (outcome === 'ready') {
      link.watch = watchSilence(linkOptions.launcherSilenceLimitMs, () => link.kill());
      return link;
    }
    throw new ProcessRunnerError('launcher_start_failed', outcome);
  }

  get fifos(): FifoPool {
    return this.pool as FifoPool;
  }

  get identity(): LauncherIdentity {
    return this.knownIdentity as LauncherIdentity;
  }

  get isOpen(): boolean {
    return this.open;
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  send(request: LauncherRequest): void {
    if (this.open && this.pipe.writable) this.pipe.write(encodeFrame(request));
  }

  /**
   * @throws ProcessRunnerError `launcher_lost`, or `processes_survived` with the launcher's words.
   */
  ask(question: Question): Promise<Answer> {
    if (!this.open) return Promise.reject(lostError('the launcher is gone'));
    this.requests += 1;
    const request = this.requests;
    return new Promise((resolve, reject) => {
      this.waiting.set(request, { resolve, reject });
      this.send({ ...question, request });
    });
  }

  /** Ends the pipe: the launcher ends its trees and leaves. */
  end(): void {
    clearInterval(this.heart);
    this.watch?.stop();
    this.pipe.end();
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }

  private async requestFifos(): Promise<readonly string[]> {
    const answer = await this.ask({ op: 'fifos' });
    return answer.event === 'fifos' ? answer.paths : [];
  }

  private receive(event: LauncherEvent): void {
    switch (event.event) {
      case 'beat':
        return;
      case 'ready':
        this.ready?.(
          { pid: this.child.pid ?? 0, startTicks: event.startTicks, bootId: readBootId() },
          event.fifos,
          event.problem,
        );
        return;
      case 'started':
      case 'ended':
        this.onEvent(event);
        return;
      case 'failed':
        this.take(event.request)?.reject(new ProcessRunnerError(event.code, event.message));
        return;
      case 'done':
      case 'fifos':
        this.take(event.request)?.resolve(event);
    }
  }

  private take(request: number): Waiting | undefined {
    const waiting = this.waiting.get(request);
    this.waiting.delete(request);
    return waiting;
  }

  private async watchEnd(): Promise<string> {
    const how = await new Promise<string>((resolve) => {
      this.child.once('error', (error) => resolve(error.message));
      this.child.once('exit', (code, signal) =>
        resolve(`ended by ${signal ?? `exit code ${code}`}`),
      );
    });
    // What it said before its end is still in the pipe, and counts.
    if (!this.pipe.readableEnded && !this.pipe.destroyed) {
      await new Promise<void>((resolve) => this.pipe.once('close', () => resolve()));
    }
    this.open = false;
    clearInterval(this.heart);
    this.watch?.stop();
    const said = this.stderrTail.trim();
    const message = `the launcher ${how}`;
    for (const waiting of this.waiting.values()) waiting.reject(lostError(message));
    this.waiting.clear();
    // What it said is for our log, and not for the reason of a step.
    return said === '' ? message : `${message}: ${said}`;
  }
}

function lostError(message: string): ProcessRunnerError {
  return new ProcessRunnerError('launcher_lost', message);
}
