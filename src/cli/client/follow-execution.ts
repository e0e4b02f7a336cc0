import { setTimeout as sleep } from 'node:timers/promises';
import type { EventSourceMessage } from 'eventsource-parser';
import { readJson } from '../api/answer-shape.js';
import type { ApiClient, ApiRequest } from '../api/api-client.js';
import { connectionProblem, ConnectionProblem } from '../api/connection-problem.js';
import { EventStreamParser } from '../api/event-stream.js';
import type { HttpAnswer } from '../api/exchange.js';
import { isPassing, RefusedError } from '../api/refusal.js';
import { Silence } from '../api/silence.js';
import { liveExecution, type LiveExecution, type LogLine, logLines } from '../api/wire-readers.js';
import { CommandError } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';

export interface FollowListener {
  onStatus(execution: LiveExecution): void;
  /** Lines in order, each once. What it waits for holds the stream back. */
  onLines(lines: readonly LogLine[]): void | Promise<void>;
  /** Called once for each loss. */
  onLost(why: string): void;
  onBack(): void;
}

export interface FollowOptions {
  /** Only lines behind this number. */
  readonly afterSeq?: number;
  readonly signal: AbortSignal;
  /**
   * Without a byte for so long the connection counts as lost; the server sends a comment every 15
   * s.
   */
  readonly silenceMs?: number;
  /** Once the server has answered, it may be unreachable as long as this before following ends. */
  readonly patienceMs?: number;
}

const SILENCE_MS = 45_000;
const PATIENCE_MS = 300_000;
/** Each connection begins with the status: a stream without an event is none of ours. */
const FIRST_EVENT_MS = 10_000;
const STEADY_MS = 5_000;
const KNOWN_EVENTS: readonly (string | undefined)[] = ['status', 'log', 'done'];
const STREAM_TYPE = 'text/event-stream';
const FIRST_PAUSE_MS = 200;
const MAX_PAUSE_MS = 2_000;

/**
 * Follows an execution until it is over, through restarts of the server: each new connection
 * continues behind the last line that came. Returns what the `done` event says. A server that never
 * told an event is not waited for beyond the time of the requests.
 *
 * @throws CommandError when the server refuses, is away for too long, or is none of ours;
 *   AbortError after `signal`
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
  /** Since when the following does not live; `undefined` while it does. */
  private silentSince: number | undefined = performance.now();
  private lostTold = false;
  private everLived = false;
  private lastStatus: string | undefined;
  private pause = FIRST_PAUSE_MS;

  constructor(
    private readonly api: ApiClient,
    private readonly executionId: string,
    private readonly listener: FollowListener,
    private readonly options: FollowOptions,
  ) {
    this.lastSeq = options.afterSeq ?? 0;
  }

  async run(): Promise<LiveExecution> {
    for (;;) {
      let problem = new CommandError('the server ended it', exitCodes.unreachable);
      try {
        const done = await this.connection();
        if (done) return done;
      } catch (error) {
        if (this.options.signal.aborted || !isPassing(error)) throw error;
        problem = error as CommandError;
      }
      this.lost(problem.message);
      const asked = problem instanceof RefusedError ? (problem.retryAfterSeconds ?? 0) * 1_000 : 0;
      const pause = Math.max(this.pause, asked);
      this.giveUpAfter(problem, pause);
      await sleep(pause, undefined, { signal: this.options.signal });
      this.pause = Math.min(this.pause * 2, MAX_PAUSE_MS);
    }
  }

  /** One connection; `undefined` when it ended before the execution did. */
  private async connection(): Promise<LiveExecution | undefined> {
    const silence = new Silence(Math.min(FIRST_EVENT_MS, this.patienceLeft()));
    const request: ApiRequest = {
      method: 'GET',
      path: `/api/ci/executions/${this.executionId}/events`,
      headers: {
        accept: STREAM_TYPE,
        ...(this.lastSeq > 0 ? { 'last-event-id': String(this.lastSeq) } : {}),
      },
      signal: AbortSignal.any([this.options.signal, silence.signal]),
    };
    try {
      const answer = await this.api.openOnce(request, STREAM_TYPE);
      return await this.read(request, answer, silence);
    } catch (error) {
      if (silence.signal.aborted && !this.options.signal.aborted) {
        throw connectionProblem(silence.signal.reason, this.api.baseUrl);
      }
      throw error;
    } finally {
      silence.pause();
    }
  }

  private async read(
    request: ApiRequest,
    answer: HttpAnswer,
    silence: Silence,
  ): Promise<LiveExecution | undefined> {
    const parser = new EventStreamParser();
    const decoder = new TextDecoder();
    const begun = performance.now();
    let begins = true;
    for await (const chunk of this.chunks(answer)) {
      const text = decoder.decode(chunk, { stream: true });
      const events = this.api
        .shaped(request, () => parser.push(text))
        .filter(({ event }) => KNOWN_EVENTS.includes(event));
      for (const event of events) {
        silence.pause();
        const taken = await this.take(request, event);
        if (typeof taken === 'object') return taken;
        if (begins) this.back();
        begins = false;
        if (taken === 'news') this.lives();
      }
      // Until the first event not even what keeps a stream alive shows that it is one.
      if (begins) continue;
      silence.broken(this.options.silenceMs ?? SILENCE_MS);
      if (performance.now() - begun >= STEADY_MS) this.lives();
    }
    return undefined;
  }

  private async *chunks(answer: HttpAnswer): AsyncGenerator<Buffer> {
    try {
      yield* answer.chunks();
    } catch (error) {
      if (error instanceof Error && error.name === 'AbortError') throw error;
      const { message, suggestions } = connectionProblem(error, this.api.baseUrl);
      // Whatever broke it, the answer had begun: a new connection continues behind the last line.
      throw new ConnectionProblem(message, suggestions[0] ?? '', true, false);
    }
  }

  private async take(
    request: ApiRequest,
    { event, data }: EventSourceMessage,
  ): Promise<LiveExecution | 'news' | 'nothing new'> {
    if (event === 'log') {
      const { lines } = this.api.shaped(request, () => readJson(data, logLines));
      const fresh = lines.filter(({ seq }) => seq > this.lastSeq);
      this.lastSeq = fresh.at(-1)?.seq ?? this.lastSeq;
      if (fresh.length === 0) return 'nothing new';
      await this.listener.onLines(fresh);
      return 'news';
    }
    const execution = this.api.shaped(request, () => readJson(data, liveExecution));
    this.listener.onStatus(execution);
    if (event === 'done') return execution;
    const isNews = this.lastStatus !== undefined && this.lastStatus !== data;
    this.lastStatus = data;
    return isNews ? 'news' : 'nothing new';
  }

  private lost(why: string): void {
    this.silentSince ??= performance.now();
    if (!this.lostTold) this.listener.onLost(why);
    this.lostTold = true;
  }

  private back(): void {
    if (this.lostTold) this.listener.onBack();
    this.lostTold = false;
  }

  /**
   * Something moves, or the connection holds: what sends the same status at each connection and
   * ends it does not.
   */
  private lives(): void {
    this.silentSince = undefined;
    this.everLived = true;
    this.pause = FIRST_PAUSE_MS;
    this.api.renewBudget();
  }

  private patienceLeft(): number {
    const waited = this.silentSince === undefined ? 0 : performance.now() - this.silentSince;
    return Math.max(0, this.patience() - waited);
  }

  private patience(): number {
    const patience = this.options.patienceMs ?? PATIENCE_MS;
    return this.everLived ? patience : Math.min(patience, this.api.remainingMs);
  }

  /** When it would be too long with the pause before the next try. */
  private giveUpAfter({ message }: CommandError, pause: number): void {
    if (this.patienceLeft() > pause) return;
    throw new CommandError(
      `The server was away for ${Math.round(this.patience() / 1_000)} s: ${message}`,
      exitCodes.unreachable,
      [`The execution may continue. Follow it later: ./millrace logs -f ${this.executionId}`],
    );
  }
}
