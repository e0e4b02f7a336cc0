import { Readable } from 'node:stream';
import {
  ProcessRunner,
  type ProcessExit,
  type ProcessSpec,
  type RunningProcess,
} from './process-runner.js';
import { ProcessRunnerError } from './process-runner.error.js';

/** What a faked process does. */
export interface FakeScript {
  /**
   * In chunks; a stream that is not read stops the process before its next chunk beyond 64 KiB, as
   * a pipe does.
   */
  readonly stdout?: Iterable<string> | AsyncIterable<string>;
  readonly stderr?: Iterable<string> | AsyncIterable<string>;
  /**
   * How it ends once its output is written; a promise that never resolves is a process that waits
   * for `kill`.
   */
  readonly exit: ProcessExit | Promise<ProcessExit>;
  /** TERM does not end it, KILL after the grace does. */
  readonly ignoresTerm?: boolean;
  /**
   * A child stays behind that holds both streams, until the group is swept or the tree is killed.
   */
  readonly leavesChild?: boolean;
}

/**
 * Runner for the tests of others: starts nothing, does what the script of each spec says, and
 * remembers what it was asked.
 */
export class FakeProcessRunner extends ProcessRunner {
  readonly started: ProcessSpec[] = [];
  /** Ids in the order in which they were killed. */
  readonly killed: string[] = [];
  readonly swept: string[] = [];
  private readonly processes = new Map<string, FakeProcess>();
  private isClosed = false;

  constructor(private readonly script: (spec: ProcessSpec) => FakeScript) {
    super();
  }

  async start(spec: ProcessSpec): Promise<RunningProcess> {
    if (this.isClosed) {
      throw new ProcessRunnerError('process_runner_closed', 'the process runner was closed');
    }
    if (this.processes.has(spec.id)) {
      throw new ProcessRunnerError('duplicate_process_id', `${spec.id} was started before`);
    }
    this.started.push(spec);
    const running = new FakeProcess(spec, this.script(spec), () => this.killed.push(spec.id));
    this.processes.set(spec.id, running);
    return running;
  }

  async sweep(group: string): Promise<number> {
    this.swept.push(group);
    let count = 0;
    for (const running of this.processes.values()) {
      if (running.spec.group === group)
        count += running.endAll({ kind: 'signalled', signal: 'SIGKILL' });
    }
    return count;
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.loseAll('the runner was closed');
  }

  /** As when the launcher is killed: whatever runs ends as `lost`. */
  loseAll(message: string): void {
    for (const running of this.processes.values()) running.endAll({ kind: 'lost', message });
  }
}

class FakeProcess implements RunningProcess {
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly exit: Promise<ProcessExit>;
  private resolveExit: (exit: ProcessExit) => void = () => undefined;
  private isRunning = true;
  private hasChild: boolean;
  private closeStreams: () => void = () => undefined;

  constructor(
    readonly spec: ProcessSpec,
    private readonly script: FakeScript,
    private readonly onKill: () => void,
  ) {
    this.hasChild = script.leavesChild === true;
    this.exit = new Promise((resolve) => (this.resolveExit = resolve));
    const streamsClosed = new Promise<void>((resolve) => (this.closeStreams = resolve));
    const written = [makeDeferred(), makeDeferred()] as const;
    const { stdout = [], stderr = [] } = script;
    const isMerged = spec.mergeOutput === true;
    const first = isMerged ? both(stdout, stderr) : stdout;
    this.stdout = this.stream(first, written[0].resolve, streamsClosed);
    this.stderr = this.stream(isMerged ? [] : stderr, written[1].resolve, streamsClosed);
    // A pipe holds what is written before anyone reads.
    this.stdout.read(0);
    this.stderr.read(0);
    void Promise.all(written.map(({ promise }) => promise))
      .then(() => script.exit)
      .then((exit) => this.end(exit));
  }

  closeOutputs(): void {
    this.closeStreams();
  }

  async kill(graceMs: number): Promise<void> {
    if (this.isRunning) {
      this.onKill();
      if (this.script.ignoresTerm) await new Promise((resolve) => setTimeout(resolve, graceMs));
    }
    this.endAll({ kind: 'signalled', signal: this.script.ignoresTerm ? 'SIGKILL' : 'SIGTERM' });
  }

  /** Returns how many processes that were. */
  endAll(exit: ProcessExit): number {
    const count = Number(this.isRunning) + Number(this.hasChild && !this.isRunning);
    this.hasChild = false;
    this.end(exit);
    return count;
  }

  private end(exit: ProcessExit): void {
    if (this.isRunning) this.resolveExit(exit);
    this.isRunning = false;
    if (!this.hasChild) this.closeStreams();
  }

  private stream(
    chunks: Iterable<string> | AsyncIterable<string>,
    onWritten: () => void,
    closed: Promise<void>,
  ): Readable {
    async function* bytes(): AsyncGenerator<Buffer> {
      for await (const chunk of chunks) yield Buffer.from(chunk);
      onWritten();
      await closed;
    }
    return Readable.from(bytes(), { objectMode: false, highWaterMark: 64 * 1024 });
  }
}

/** A fake has no order between its two outputs. */
async function* both(
  ...outputs: (Iterable<string> | AsyncIterable<string>)[]
): AsyncGenerator<string> {
  for (const output of outputs) yield* output;
}

function makeDeferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}
