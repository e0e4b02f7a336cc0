import { setTimeout as sleep } from 'node:timers/promises';
import { mediaType } from '../../common/http/content-type.js';
import { packageVersion } from '../../config/paths.js';
import { CommandError, type ErrorShape } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';
import { readJson, type Reader, ShapeError } from './answer-shape.js';
import { connectionProblem } from './connection-problem.js';
import { exchange, type HttpAnswer, TimeLimit } from './exchange.js';
import {
  exitCodeOf,
  GatewayError,
  isUnknownRoute,
  pauseAfter,
  readErrorShape,
  RefusedError,
  retryAfterSeconds,
} from './refusal.js';
import { commandSuggestions, detailLines } from './refusal-lines.js';
import { whyNotReady } from './server-health.js';
import { releaseHints, serverVersion } from './server-release.js';

export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * True when a second request does no harm: reads, and writes with a key by which the server knows
   * them again. Default: whether it is a GET. What the server never saw is tried again in any case.
   */
  readonly repeatable?: boolean;
  readonly signal?: AbortSignal;
}

export interface ApiClientOptions {
  /** For the message of a refusal: where the token is from. */
  readonly tokenSource?: string;
  /** Milliseconds before each further try. */
  readonly retryDelaysMs?: readonly number[];
  /** Longest time of one request with its further tries, to the end of the answer, milliseconds. */
  readonly timeoutMs?: number;
  /**
   * Longest time of all requests together, milliseconds: so a command is over, whatever a server
   * does. Default: none.
   */
  readonly budgetMs?: number;
}

/** What was asked for, and how the server wrote it. */
export interface Read<T> {
  readonly value: T;
  readonly json: string;
  readonly answer: HttpAnswer;
}

const RETRY_DELAYS_MS = [200, 500, 1_000];
const TIMEOUT_MS = 15_000;

/**
 * Talks to a Millrace server, and to what may be anything else: no answer makes it hang, fill the
 * memory or throw a defect.
 */
export class ApiClient {
  private spentMs = 0;

  constructor(
    readonly baseUrl: string,
    private readonly token: string | undefined,
    private readonly options: ApiClientOptions = {},
  ) {}

  /** What is left of the time for all requests. */
  get remainingMs(): number {
    return (this.options.budgetMs ?? Number.POSITIVE_INFINITY) - this.spentMs;
  }

  /**
   * After a while in which a server has shown that it is one: what follows has the whole time
   * again.
   */
  renewBudget(): void {
    this.spentMs = 0;
  }

  /** @throws CommandError as `read` */
  async get<T>(path: string, reader: Reader<T>): Promise<T> {
    return (await this.read({ method: 'GET', path }, reader)).value;
  }

  /**
   * The JSON of an answer. @throws CommandError with the server's own message and suggestions, or
   * when it is no such answer
   */
  async read<T>(request: ApiRequest, reader: Reader<T>): Promise<Read<T>> {
    const { text: json, answer } = await this.text(request);
    return { value: this.shaped(request, () => readJson(json, reader)), json, answer };
  }

  /** The whole text of an answer. @throws CommandError as `read` */
  async text(
    request: ApiRequest,
    contentType?: string,
  ): Promise<{ readonly text: string; readonly answer: HttpAnswer }> {
    return this.persist(request, async (limit) => {
      const answer = await this.send(request, limit);
      if (contentType !== undefined) this.expectType(request, answer, contentType);
      return { text: await this.reading(() => answer.text()), answer };
    });
  }

  /**
   * An answer whose body is read as it comes, for as long as that takes. @throws CommandError as
   * `read`
   */
  async open(request: ApiRequest, contentType: string): Promise<HttpAnswer> {
    return this.persist(request, (limit) => this.begin(request, contentType, limit));
  }

  /** As `open`, without a second try. */
  async openOnce(request: ApiRequest, contentType: string): Promise<HttpAnswer> {
    const ms = Math.max(0, Math.min(this.options.timeoutMs ?? TIMEOUT_MS, this.remainingMs));
    return this.begin(request, contentType, new TimeLimit(ms, request.signal));
  }

  /** Runs what takes an answer apart. @throws CommandError when it is not what it must be */
  shaped<T>({ method, path }: ApiRequest, take: () => T): T {
    try {
      return take();
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      throw this.foreign(`${nameOf(method, path)}: ${error.message}.`);
    }
  }

  /** Waits until the server can serve. @throws CommandError after `deadlineMs` */
  async waitUntilReady(deadlineMs: number, signal: AbortSignal): Promise<void> {
    const giveUpAt = performance.now() + deadlineMs;
    while (!signal.aborted) {
      const problem = await whyNotReady(this.baseUrl);
      if (problem === undefined) return;
      if (performance.now() > giveUpAt) {
        throw new CommandError(`The API was not ready within ${deadlineMs / 1000} s: ${problem}`);
      }
      await sleep(50);
    }
  }

  /** Tries until it works, the time is over, or another try makes no sense. */
  private async persist<T>(
    request: ApiRequest,
    attempt: (limit: TimeLimit) => Promise<T>,
  ): Promise<T> {
    const delays = this.options.retryDelaysMs ?? RETRY_DELAYS_MS;
    const repeatable = request.repeatable ?? request.method === 'GET';
    const begun = performance.now();
    const giveUpAt = begun + Math.min(this.options.timeoutMs ?? TIMEOUT_MS, this.remainingMs);
    try {
      for (let tries = 0; ; tries++) {
        const limit = new TimeLimit(Math.max(0, giveUpAt - performance.now()), request.signal);
        try {
          return await attempt(limit);
        } catch (error) {
          const pause = pauseAfter(error, delays[tries], repeatable);
          if (pause === undefined || performance.now() + pause > giveUpAt) throw error;
          await sleep(pause, undefined, request.signal ? { signal: request.signal } : {});
        } finally {
          limit.stopClock();
        }
      }
    } finally {
      this.spentMs += performance.now() - begun;
    }
  }

  private async begin(
    request: ApiRequest,
    contentType: string,
    limit: TimeLimit,
  ): Promise<HttpAnswer> {
    try {
      const answer = await this.send(request, limit);
      this.expectType(request, answer, contentType);
      return answer;
    } finally {
      limit.stopClock();
    }
  }

  /** The answer, when it is a good one; its body is still to be read. */
  private async send(
    { method, path, body, headers }: ApiRequest,
    { signal }: TimeLimit,
  ): Promise<HttpAnswer> {
    const answer = await this.reading(() =>
      exchange(`${this.baseUrl}${path}`, {
        method,
        headers: {
          ...(this.token === undefined ? {} : { authorization: `Bearer ${this.token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal,
      }),
    );
    if (answer.isGood) return answer;
    throw await this.refusal(answer);
  }

  private expectType({ method, path }: ApiRequest, answer: HttpAnswer, expected: string): void {
    const type = answer.header('content-type') ?? '';
    if (mediaType(type) === expected) return;
    answer.discard();
    throw this.foreign(`${nameOf(method, path)}: it is ${type || 'of no type'}, not ${expected}.`);
  }

  private async reading<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      if (error instanceof Error && error.name === 'AbortError') throw error;
      throw connectionProblem(error, this.baseUrl);
    }
  }

  private async refusal(response: HttpAnswer): Promise<CommandError> {
    const { status } = response;
    const answer = readErrorShape(await this.reading(() => response.text()));
    if (!answer) return this.notMillrace(status, response.header('location'));
    if (isUnknownRoute(status, answer)) return this.unknownRoute(status, answer);
    const suggestions = status === 401 ? this.logIn() : commandSuggestions(answer.suggestions);
    const seconds = retryAfterSeconds(response.header('retry-after'));
    const wait = seconds === undefined ? [] : [`The server asks to wait for ${seconds} s.`];
    const told = [...wait, ...detailLines(answer), ...suggestions];
    return new RefusedError(
      answer.message,
      exitCodeOf(status),
      told.length > 0 ? told : [whatToDo(exitCodeOf(status))],
      answer,
      status,
      seconds,
    );
  }

  /** Requests of this command are right by its own release, so it is the server that is another. */
  private async unknownRoute(status: number, answer: ErrorShape): Promise<CommandError> {
    const suggestions = releaseHints(await serverVersion(this.baseUrl), packageVersion());
    const message = `${this.baseUrl} does not know what this command asks.`;
    const known = { ...answer, suggestions };
    return new RefusedError(message, exitCodes.unreachable, suggestions, known, status);
  }

  private logIn(): readonly string[] {
    const login = `Log in: ./millrace login ${this.baseUrl}`;
    if (this.token === undefined) return [login];
    const { tokenSource } = this.options;
    const from =
      tokenSource === undefined ? [] : [`The token that was sent is from ${tokenSource}.`];
    return [...from, login];
  }

  private notMillrace(status: number, location: string | undefined): CommandError {
    if (location !== undefined && status >= 300 && status < 400) {
      return new CommandError(
        `${this.baseUrl} leads elsewhere, to ${location.slice(0, 500)}`,
        exitCodes.unreachable,
        ['Use that address.'],
      );
    }
    return new GatewayError(
      `${this.baseUrl} answers ${status}, but not as a Millrace server does.`,
      exitCodes.unreachable,
      ['Check the address, and the proxy before the server.'],
      undefined,
      status,
    );
  }

  /** A good answer that is none of ours. Not tried again: it is not away, it is something else. */
  foreign(what: string): CommandError {
    return new CommandError(
      `${this.baseUrl} answers, but not as a Millrace server of this release does: ${what}`,
      exitCodes.unreachable,
      ['Check the address, the proxy before the server, and the release of the server.'],
    );
  }
}

/** Where the server has said nothing that a command can follow. */
function whatToDo(exitCode: number): string {
  switch (exitCode) {
    case exitCodes.usage:
      return 'The command with --help shows what it takes.';
    case exitCodes.auth:
      return 'Ask an administrator of the server.';
    case exitCodes.unreachable:
      return 'Try again; if it stays so, the log of the server says more.';
    default:
      return 'See how things are now, then try again.';
  }
}

function nameOf(method: string, path: string): string {
  return `${method} ${path.split('?', 1)[0] ?? ''}`;
}
