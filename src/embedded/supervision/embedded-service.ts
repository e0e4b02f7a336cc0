import { spawn, type ChildProcess } from 'node:child_process';
import { messageOf } from '../../common/values/error-message.js';
import type { Environment } from '../../config/environment.js';
import { EmbeddedError } from '../system/embedded.error.js';
import { readStartTicks } from '../../common/child-process/process-stat.js';
import type { RotatingLog } from './rotating-log.js';

export type ServiceName = 'redis' | 'postgres' | 'ferretdb' | 'mongod';

/** How to run one service. */
export interface ServiceSpec {
  readonly name: ServiceName;
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Environment;
  readonly cwd: string;
  readonly user: { readonly uid: number; readonly gid: number } | undefined;
  readonly log: RotatingLog;
  /** Asks for an orderly end. */
  readonly stopSignal: NodeJS.Signals;
  /** Milliseconds from `stopSignal` to SIGKILL. */
  readonly stopGraceMs: number;
  /** Removes what a killed predecessor left; runs before each start. */
  readonly prepare: () => Promise<void>;
  readonly isReady: () => Promise<boolean>;
}

export type ServiceEvent =
  | { readonly kind: 'died'; readonly service: ServiceName; readonly how: string }
  | { readonly kind: 'restarted'; readonly service: ServiceName; readonly afterMs: number }
  | { readonly kind: 'restart_failed'; readonly service: ServiceName; readonly reason: string };

/**
 * Longest time from spawn to the first good answer: a database that recovers after a crash needs
 * some of it.
 */
const READY_TIMEOUT_MS = 60_000;
const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 5_000;

/**
 * One running service that is started again, with growing pauses, whenever it ends by itself. It
 * runs in a session of its own, so that Ctrl-C reaches the supervisor alone, which stops the parts
 * in their order.
 */
export class EmbeddedService {
  readonly spec: ServiceSpec;
  private readonly onEvent: (event: ServiceEvent) => void;
  private readonly onPid: () => Promise<void>;
  private child: ChildProcess | undefined;
  private identity: { readonly pid: number; readonly startTicks: number } | undefined;
  private stopping = false;
  private restarting: Promise<void> | undefined;
  private wake: () => void = () => undefined;

  /**
   * @param onPid called after each spawn, before the service is awaited: write down which process
   *   it is.
   */
  constructor(
    spec: ServiceSpec,
    onEvent: (event: ServiceEvent) => void,
    onPid: () => Promise<void>,
  ) {
    this.spec = spec;
    this.onEvent = onEvent;
    this.onPid = onPid;
  }

  /** The process that runs now; undefined between two starts. */
  get process(): { readonly pid: number; readonly startTicks: number } | undefined {
    return this.identity;
  }

  /**
   * Starts it for the first time. @throws EmbeddedError `service_failed` with the end of its log.
   */
  async start(): Promise<void> {
    await this.launch();
    this.watch();
  }

  /** Ends it; when it resolves no process of it is left. May be called more than once. */
  async stop(signal: NodeJS.Signals = this.spec.stopSignal): Promise<void> {
    this.stopping = true;
    this.wake();
    this.child?.kill(signal);
    const timer = setTimeout(() => this.child?.kill('SIGKILL'), this.spec.stopGraceMs);
    await this.restarting;
    if (this.child !== undefined) await ended(this.child);
    clearTimeout(timer);
    this.identity = undefined;
  }

  private async launch(): Promise<void> {
    const { spec } = this;
    await spec.prepare();
    if (this.stopping) {
      throw new EmbeddedError(
        'aborted',
        `${spec.name} is being stopped`,
        'Start again when ready.',
      );
    }
    const child = spawn(spec.program, spec.args, {
      cwd: spec.cwd,
      env: spec.env,
      uid: spec.user?.uid,
      gid: spec.user?.gid,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    child.stdout.on('data', (chunk: Buffer) => spec.log.write(chunk));
    child.stderr.on('data', (chunk: Buffer) => spec.log.write(chunk));
    const exit = ended(child);
    if (child.pid !== undefined) {
      this.identity = { pid: child.pid, startTicks: readStartTicks(child.pid) ?? 0 };
      await this.onPid();
    }
    const outcome = await Promise.race([exit, this.untilReady(child)]);
    if (outcome === 'ready') return;
    if (outcome === 'timeout') child.kill('SIGKILL');
    await exit;
    this.identity = undefined;
    throw new EmbeddedError(
      'service_failed',
      `${spec.name} did not start (${outcome}); the end of its log:\n${spec.log.tail()}`,
      `The whole log is ${spec.log.path}. Start again; if it fails the same way, set MONGODB_URI and REDIS_URL to servers of your own.`,
    );
  }

  private async untilReady(child: ChildProcess): Promise<'ready' | 'timeout'> {
    const deadline = Date.now() + READY_TIMEOUT_MS;
    for (let wait = 5; Date.now() < deadline; wait = Math.min(wait * 1.5, 200)) {
      if (hasEnded(child)) break;
      if (await this.spec.isReady()) return 'ready';
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
    return 'timeout';
  }

  private watch(): void {
    const { child } = this;
    if (child === undefined) return;
    void ended(child).then((how) => {
      this.identity = undefined;
      if (this.stopping) return;
      this.onEvent({ kind: 'died', service: this.spec.name, how });
      this.restarting = this.restart().finally(() => (this.restarting = undefined));
    });
  }

  private async restart(): Promise<void> {
    const died = Date.now();
    for (let delay = FIRST_DELAY_MS; !this.stopping;) {
      try {
        await this.launch();
        this.onEvent({
          kind: 'restarted',
          service: this.spec.name,
          afterMs: Date.now() - died,
        });
        this.watch();
        return;
      } catch (error) {
        if (this.stopping) return;
        const reason = messageOf(error);
        this.onEvent({ kind: 'restart_failed', service: this.spec.name, reason });
        await this.pause(delay);
        delay = Math.min(delay * 2, LONGEST_DELAY_MS);
      }
    }
  }

  private async pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

/** How a child ended, in words; waits for it. */
function ended(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    if (child.exitCode !== null) resolve(`exit code ${String(child.exitCode)}`);
    else if (child.signalCode !== null) resolve(`signal ${child.signalCode}`);
    child.once('exit', (code, signal) => {
      resolve(signal === null ? `exit code ${String(code)}` : `signal ${signal}`);
    });
    child.once('error', (error) => resolve(error.message));
  });
}
