import { serviceUnavailable, unprocessable } from '../../common/errors/millrace.error.js';
import { compileMessage, dryRunMessage } from './child-message.js';
import { CompileProcess, type CompileProcessOptions } from './compile-process.js';
import type { CompiledYaml } from './compiled-yaml.js';
import type { DryRun, DryRunRequest } from './dry-run.js';

export interface ChildCompilerOptions extends CompileProcessOptions {
  /** Processes end when nothing was compiled for so long. Default 60,000. */
  readonly idleMs?: number;
  /** A text that waits longer is refused. Default 15,000. */
  readonly patienceMs?: number;
}

/** Processes at once, and how many of them may be busy with large texts. */
const MAX_PROCESSES = 2;
const MAX_BUSY_WITH_LARGE = 1;
/** Texts that may wait for a process, and bytes of all of them. */
const MAX_WAITING = 500;
const MAX_WAITING_BYTES = 4 * 1024 * 1024;
/** Bytes from which a text is large; a file of a person hardly ever is. */
const LARGE = 64 * 1024;
/** Bytes after which a process is replaced, so that what it holds is given back. */
const MAX_READ = 1024 * 1024;

interface Waiting {
  readonly message: Buffer;
  readonly start: (process: CompileProcess) => void;
  readonly refuse: () => void;
}

/**
 * Compiles YAML in processes of its own: some small files keep a YAML parser busy for a minute, and
 * some end the process that reads them. The smallest text is next, large ones never take all
 * processes, and when too many wait the largest is refused: so a flood of hostile files keeps no
 * ordinary one out.
 */
export class ChildCompiler {
  private readonly idle: CompileProcess[] = [];
  /** Sorted by length. */
  private readonly waiting: Waiting[] = [];
  private readonly busy = new Set<CompileProcess>();
  private busyWithLarge = 0;
  private idleTimer: NodeJS.Timeout | undefined;

  constructor(private readonly options: ChildCompilerOptions) {}

  /** True when a process is there. */
  get warm(): boolean {
    return this.idle.length + this.busy.size > 0;
  }

  /** Starts a process for the texts to come. */
  warmUp(): void {
    if (!this.warm) this.idle.push(new CompileProcess(this.options));
    this.endWhenIdle();
  }

  /**
   * @throws UnprocessableError when the text is too complex, ServiceUnavailableError when too many
   *   wait
   */
  async compile(yaml: string): Promise<CompiledYaml> {
    return (await this.ask(compileMessage(yaml))) as CompiledYaml;
  }

  /** @throws as `compile` */
  async dryRun(request: DryRunRequest): Promise<DryRun> {
    return (await this.ask(dryRunMessage(request))) as DryRun;
  }

  /** Ends all processes; texts that wait are refused. */
  close(): void {
    clearTimeout(this.idleTimer);
    for (const waiting of [...this.waiting]) waiting.refuse();
    for (const process of [...this.idle.splice(0), ...this.busy]) process.kill();
  }

  private async ask(message: Buffer): Promise<unknown> {
    const process = await this.enter(message);
    try {
      const answer = await process.ask(message);
      if (answer !== undefined) return answer;
      throw process.isUnserved ? tooMany() : tooComplex();
    } finally {
      this.leave(process, message);
    }
  }

  private enter(message: Buffer): Promise<CompileProcess> {
    return new Promise((resolve, reject) => {
      const forget = (): void => {
        clearTimeout(timer);
        const at = this.waiting.indexOf(waiting);
        if (at >= 0) this.waiting.splice(at, 1);
      };
      const waiting: Waiting = {
        message,
        start: (process) => {
          forget();
          resolve(process);
        },
        refuse: () => {
          forget();
          reject(tooMany());
        },
      };
      const timer = setTimeout(waiting.refuse, this.options.patienceMs ?? 15_000);
      const behind = this.waiting.findIndex((other) => other.message.length > message.length);
      this.waiting.splice(behind < 0 ? this.waiting.length : behind, 0, waiting);
      this.startNext();
      while (this.isOverfull()) this.waiting.at(-1)?.refuse();
    });
  }

  private leave(process: CompileProcess, message: Buffer): void {
    this.busy.delete(process);
    if (isLarge(message)) this.busyWithLarge -= 1;
    if (process.read >= MAX_READ) process.kill();
    if (process.alive) this.idle.push(process);
    this.startNext();
    this.endWhenIdle();
  }

  private startNext(): void {
    const next = this.waiting[0];
    if (next === undefined || this.busy.size >= MAX_PROCESSES) return;
    if (isLarge(next.message)) {
      if (this.busyWithLarge >= MAX_BUSY_WITH_LARGE) return;
      this.busyWithLarge += 1;
    }
    const process = this.idleProcess() ?? new CompileProcess(this.options);
    this.busy.add(process);
    next.start(process);
  }

  private isOverfull(): boolean {
    const bytes = this.waiting.reduce((sum, { message }) => sum + message.length, 0);
    return this.waiting.length > MAX_WAITING || bytes > MAX_WAITING_BYTES;
  }

  private idleProcess(): CompileProcess | undefined {
    for (let process = this.idle.pop(); process !== undefined; process = this.idle.pop()) {
      if (process.alive) return process;
    }
    return undefined;
  }

  private endWhenIdle(): void {
    clearTimeout(this.idleTimer);
    this.idleTimer = setTimeout(() => {
      for (const process of this.idle.splice(0)) process.kill();
    }, this.options.idleMs ?? 60_000);
    this.idleTimer.unref();
  }
}

function isLarge(message: Buffer): boolean {
  return message.length > LARGE;
}

function tooMany(): Error {
  return serviceUnavailable('Too many pipelines are being read.');
}

function tooComplex(): Error {
  return unprocessable('The YAML is too complex to be read within the limits.', {
    suggestions: [
      'Use fewer keys, anchors and nesting levels, or split the file into several pipelines.',
    ],
  });
}
