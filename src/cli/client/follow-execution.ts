import { setTimeout as sleep } from 'node:timers/promises';
import { type ApiClient, isPassing, RefusedError } from '../api-client.js';
import { CommandError } from '../command.error.js';
import { connectionProblem, ConnectionProblem } from '../connection-problem.js';
import { exitCodes } from '../exit-codes.js';
import { EventStreamParser, type ServerSentEvent } from './event-stream.js';
import type { LiveExecution, LogLine } from './wire-types.js';

export interface FollowListener {
  onStatus(execution: LiveExecution): void;
  /** Lines in order, each once. What it waits for holds the stream back. */
  onLines(lines: readonly LogLine[]): void | Promise<void>;
  /** Told once for each loss. */
  onLost(why: string): void;
  onBack(): void;
}

export interface FollowOptions {
  /** Only lines behind this number. */
  readonly afterSeq?: number;
  readonly signal: AbortSignal;
  /** Without a byte for so long the connection counts as lost; the server sends a comment every 15 s. */
  readonly silenceMs?: number;
  /** So long the server may be away before the following ends. */
  readonly patienceMs?: number;
}

const SILENCE_MS = 45_000;
const PATIENCE_MS = 300_000;
const FIRST_PAUSE_MS = 200;
const MAX_PAUSE_MS = 2_000;

/**
 * Follows an execution until it is over, through restarts of the server: each new connection goes on behind the last
 * line that came. Returns what the `done` event says.
 *
 * @throws CommandError when the server refuses, or is away for too long; AbortError after `signal`
 */
export async function followExecution(
  api: ApiClient,
  executionId: string,
  listener: FollowListener,
  options: FollowOptions,
): Promise<LiveExecution> {
  return new Follower(api, executionId, listener, options).run();
}

class Follower {
  private lastSeq: number;
  private lostAt: number | undefined;

  constructor(
    private readonly api: ApiClient,
    private readonly executionId: string,
    private readonly listener: FollowListener,
    private readonly options: FollowOptions,
  ) {
    this.lastSeq = options.afterSeq ?? 0;
  }

  async run(): Promise<LiveExecution> {
    let pause = FIRST_PAUSE_MS;
    for (;;) {
      let asked = 0;
      try {
        const done = await this.connection(() => (pause = FIRST_PAUSE_MS));
        if (done) return done;
        this.lost('the server ended it');
      } catch (error) {
        if (this.options.signal.aborted || !isPassing(error)) throw error;
        asked = error instanceof RefusedError ? (error.retryAfterSeconds ?? 0) * 1_000 : 0;
        this.lost((error as Error).message);
        this.giveUpAfter(error as CommandError);
      }
      await sleep(Math.max(pause, asked), undefined, { signal: this.options.signal });
      pause = Math.min(pause * 2, MAX_PAUSE_MS);
    }
  }

  /** One connection; `undefined` when it ended before the execution did. */
  private async connection(onAnswer: () => void): Promise<LiveExecution | undefined> {
    const silence = new Silence(this.options.silenceMs ?? SILENCE_MS);
    try {
      const response = await this.api.openOnce({
        method: 'GET',
        path: `/api/ci/executions/${this.executionId}/events`,
        headers: {
          accept: 'text/event-stream',
          ...(this.lastSeq > 0 ? { 'last-event-id': String(this.lastSeq) } : {}),
        },
        signal: AbortSignal.any([this.options.signal, silence.signal]),
      });
      onAnswer();
      this.back();
      return await this.read(response, silence);
    } catch (error) {
      if (silence.signal.aborted && !this.options.signal.aborted) {
        throw connectionProblem(silence.signal.reason, this.api.baseUrl);
      }
      throw error;
    } finally {
      silence.end();
    }
  }

  private async read(response: Response, silence: Silence): Promise<LiveExecution | undefined> {
    const parser = new EventStreamParser();
    const decoder = new TextDecoder();
    for await (const chunk of this.chunks(response)) {
      silence.broken();
      for (const event of parser.push(decoder.decode(chunk, { stream: true }))) {
        const done = await this.take(event);
        if (done) return done;
      }
      silence.broken();
    }
    return undefined;
  }

  private async *chunks(response: Response): AsyncGenerator<Uint8Array> {
    if (!response.body) return;
    const reader = response.body.getReader() as ReadableStreamDefaultReader<Uint8Array>;
    try {
      for (;;) {
        const chunk = await this.nextChunk(reader);
        if (chunk === undefined) return;
        yield chunk;
      }
    } finally {
      await reader.cancel().catch(() => undefined); // The connection may be the thing that broke.
    }
  }

  private async nextChunk(
    reader: ReadableStreamDefaultReader<Uint8Array>,
  ): Promise<Uint8Array | undefined> {
    try {
      return (await reader.read()).value;
    } catch (error) {
      if (error instanceof Error && error.name === 'AbortError') throw error;
      const { message, suggestions } = connectionProblem(error, this.api.baseUrl);
      // Whatever broke it, the answer had begun: a new connection goes on behind the last line.
      throw new ConnectionProblem(message, suggestions[0] ?? '', true, false);
    }
  }

  private async take({ event, data }: ServerSentEvent): Promise<LiveExecution | undefined> {
    if (event === 'log') {
      const { lines } = JSON.parse(data) as { lines: readonly LogLine[] };
      const fresh = lines.filter(({ seq }) => seq > this.lastSeq);
      this.lastSeq = fresh.at(-1)?.seq ?? this.lastSeq;
      if (fresh.length > 0) await this.listener.onLines(fresh);
      return undefined;
    }
    if (event !== 'status' && event !== 'done') return undefined;
    const execution = JSON.parse(data) as LiveExecution;
    this.listener.onStatus(execution);
    return event === 'done' ? execution : undefined;
  }

  private lost(why: string): void {
    if (this.lostAt !== undefined) return;
    this.lostAt = performance.now();
    this.listener.onLost(why);
  }

  private back(): void {
    if (this.lostAt !== undefined) this.listener.onBack();
    this.lostAt = undefined;
  }

  private giveUpAfter({ message }: CommandError): void {
    const patience = this.options.patienceMs ?? PATIENCE_MS;
    if (this.lostAt === undefined || performance.now() - this.lostAt < patience) return;
    throw new CommandError(
      `The server was away for ${Math.round(patience / 1_000)} s: ${message}`,
      exitCodes.unreachable,
      [`The execution may go on. Follow it later: ./millrace logs -f ${this.executionId}`],
    );
  }
}

/** Aborts when nothing was heard for a while. */
class Silence {
  private readonly controller = new AbortController();
  private timer: NodeJS.Timeout;
  readonly signal = this.controller.signal;

  constructor(private readonly limitMs: number) {
    this.timer = this.arm();
  }

  broken(): void {
    clearTimeout(this.timer);
    this.timer = this.arm();
  }

  end(): void {
    clearTimeout(this.timer);
  }

  private arm(): NodeJS.Timeout {
    return setTimeout(() => {
      const error = new Error('silence');
      error.name = 'TimeoutError';
      this.controller.abort(error);
    }, this.limitMs);
  }
}
