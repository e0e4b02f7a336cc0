import { type ChildProcess, spawn } from 'node:child_process';
import { READY_LINE, SUPERVISOR_DESCRIPTOR } from '../../app/supervisor-link.js';
import { type SilenceWatch, watchSilence } from '../../common/child-process/silence-watch.js';
import { type Environment, encodeEnvironment } from '../../config/environment.js';
import { NODE_FLAGS } from '../../config/node-flags.js';
import { entryFile } from '../../config/paths.js';
import { CommandError } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';

export interface ProcessDescription {
  /** For messages: `api`, `worker 1`. */
  readonly name: string;
  readonly entry: 'main' | 'worker';
  /**
   * Handed over by a descriptor: the process's own environment stays bare, since steps may be able
   * to read it.
   */
  readonly environment: Environment;
  /** From TERM to KILL when it is stopped. */
  readonly graceMs: number;
}

export interface ProcessEvents {
  /** Bytes that it printed. */
  output(name: string, bytes: Buffer): void;
  /**
   * It ended without being asked to; it is started again after `restartInMs`, unless it was never
   * ready.
   */
  died(name: string, how: string, restartInMs: number | undefined): void;
  /** It is ready again, so long after it died. */
  back?(name: string, afterMs: number): void;
}

const ENVIRONMENT_FD = 3;
/**
 * Ends with us, so that the process ends too when we are killed; over it the process says that it
 * is ready.
 */
const LINK_FD = 4;
const FIRST_RESTART_MS = 200;
const MAX_RESTART_MS = 10_000;
/** One that lived so long was healthy: the next restart is prompt again. */
const HEALTHY_MS = 30_000;

/**
 * Silence after which it is killed: nobody would replace one that stands still (SIGSTOP, an event
 * loop that does not turn). Longer than the lease of a worker, which is lost by then.
 */
const SILENCE_LIMIT_MS = 20_000;

/** What Node and the system's own libraries need; everything else comes over the descriptor. */
const INHERITED = [
  'PATH',
  'HOME',
  'LANG',
  'TZ',
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
];

/**
 * One of our server processes. Once it was ready it is started again whenever it dies, until it is
 * stopped.
 */
export class ServerProcess {
  private child: ChildProcess | undefined;
  private restart: NodeJS.Timeout | undefined;
  private stopping = false;
  private wasReady = false;
  private failures = 0;
  private startedAt = 0;
  private diedAt: number | undefined;
  private ended: Promise<void> = Promise.resolve();
  private endCode: number | null = null;
  private settleFirst: (how: string | undefined) => void = () => undefined;
  /** How the first start failed; undefined when it went well. */
  private readonly first = new Promise<string | undefined>((resolve) => {
    this.settleFirst = resolve;
  });

  constructor(
    private readonly description: ProcessDescription,
    private readonly events: ProcessEvents,
  ) {}

  get pid(): number | undefined {
    return this.child?.pid;
  }

  /** Does nothing to one that was stopped. */
  start(): void {
    if (this.stopping) return;
    const { entry, environment, name } = this.description;
    const bare = Object.fromEntries(
      INHERITED.flatMap((variable) => {
        const value = environment[variable];
        return value === undefined ? [] : [[variable, value]];
      }),
    );
    this.startedAt = performance.now();
    const child = spawn(process.execPath, [...NODE_FLAGS[entry], entryFile(entry)], {
      env: {
        ...bare,
        MILLRACE_ENV_FD: String(ENVIRONMENT_FD),
        [SUPERVISOR_DESCRIPTOR]: String(LINK_FD),
      },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
      // A Ctrl-C at the terminal reaches us only; we end the others in their order.
      detached: true,
    });
    this.child = child;
    const handover = child.stdio[ENVIRONMENT_FD] as NodeJS.WritableStream;
    handover.on('error', () => undefined); // It died before it read; its exit says so.
    handover.end(encodeEnvironment(environment));
    child.stdout?.on('data', (bytes: Buffer) => this.events.output(name, bytes));
    child.stderr?.on('data', (bytes: Buffer) => this.events.output(name, bytes));
    const link = child.stdio[LINK_FD] as NodeJS.ReadableStream;
    link.on('error', () => undefined); // The same.
    let watch: SilenceWatch | undefined;
    let silence: string | undefined;
    link.on('data', (bytes: Buffer) => {
      // From its first word on: until then it loads its code.
      watch ??= watchSilence(SILENCE_LIMIT_MS, () => {
        silence = `it stood still for ${SILENCE_LIMIT_MS / 1_000} s`;
        child.kill('SIGKILL');
      });
      watch.heard();
      if (bytes.includes(READY_LINE)) this.onReady();
    });
    this.ended = new Promise((resolve) => {
      child.once('error', (error) => this.onEnd(error.message, resolve));
      child.once('exit', (code, signal) => {
        watch?.stop();
        this.endCode = code;
        this.onEnd(silence ?? signal ?? `exit code ${code}`, resolve);
      });
    });
  }

  /** Waits until it said that it serves. @throws CommandError when it ended before that */
  async firstReady(): Promise<void> {
    const how = await this.first;
    if (how === undefined) return;
    // It has said which setting is wrong.
    const exitCode = this.endCode === exitCodes.usage ? exitCodes.usage : exitCodes.failed;
    throw new CommandError(`${this.description.name} did not start (${how}).`, exitCode);
  }

  /** TERM, the grace, KILL. Resolves when it is gone. Idempotent. */
  async stop(): Promise<void> {
    this.stopping = true;
    clearTimeout(this.restart);
    this.settleFirst('stopped');
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    const kill = setTimeout(() => child.kill('SIGKILL'), this.description.graceMs);
    await this.ended;
    clearTimeout(kill);
  }

  private onReady(): void {
    this.wasReady = true;
    this.settleFirst(undefined);
    if (this.diedAt === undefined) return;
    this.events.back?.(this.description.name, Math.round(performance.now() - this.diedAt));
    this.diedAt = undefined;
  }

  private onEnd(how: string, resolve: () => void): void {
    resolve();
    if (this.stopping) return;
    if (!this.wasReady) {
      this.events.died(this.description.name, how, undefined);
      this.settleFirst(how);
      return;
    }
    this.diedAt ??= performance.now();
    const healthy = performance.now() - this.startedAt > HEALTHY_MS;
    this.failures = healthy ? 0 : this.failures + 1;
    const wait = Math.min(FIRST_RESTART_MS * 2 ** this.failures, MAX_RESTART_MS);
    this.events.died(this.description.name, how, wait);
    this.restart = setTimeout(() => this.start(), wait);
  }
}
