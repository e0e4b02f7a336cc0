import { setTimeout as sleep } from 'node:timers/promises';
import { packageVersion } from '../config/paths.js';
import { CommandError, type ErrorShape } from './command.error.js';
import { connectionProblem, ConnectionProblem } from './connection-problem.js';
import { exitCodes } from './exit-codes.js';
import { releaseHints, serverVersion } from './server-release.js';

interface HealthBody {
  readonly checks?: Readonly<Record<string, { readonly status: string; readonly message: string }>>;
}

export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * True when a second request does no harm: reads, and writes with a key by which the server knows them again. Default:
   * whether it is a GET. What the server never saw is tried again in any case.
   */
  readonly repeatable?: boolean;
  readonly signal?: AbortSignal;
}

export interface ApiClientOptions {
  /** For the message of a refusal: where the token is from. */
  readonly tokenSource?: string;
  /** Milliseconds before each further try. */
  readonly retryDelaysMs?: readonly number[];
  /** Longest wait for the head of an answer, milliseconds. */
  readonly timeoutMs?: number;
}

const RETRY_DELAYS_MS = [200, 500, 1_000];
const TIMEOUT_MS = 30_000;
/** A server that asks for a longer pause is not waited for. */
const MAX_PAUSE_MS = 10_000;

/** Talks to a Millrace server. */
export class ApiClient {
  constructor(
    readonly baseUrl: string,
    private readonly token: string | undefined,
    private readonly options: ApiClientOptions = {},
  ) {}

  /** The JSON of an answer. @throws CommandError with the server's own message and suggestions */
  async request<T>(method: string, path: string, body?: unknown): Promise<T> {
    return JSON.parse(await this.text({ method, path, body })) as T;
  }

  /** @throws CommandError as `request` */
  async get<T>(path: string): Promise<T> {
    return this.request<T>('GET', path);
  }

  /** The whole text of an answer. @throws CommandError as `request` */
  async text(request: ApiRequest): Promise<string> {
    return this.persist(request, async () => {
      const response = await this.send(request);
      return this.reading(() => response.text());
    });
  }

  /** An answer whose body is read as it comes. @throws CommandError as `request` */
  async open(request: ApiRequest): Promise<Response> {
    return this.persist(request, () => this.send(request));
  }

  /** As `open`, without a second try. */
  async openOnce(request: ApiRequest): Promise<Response> {
    return this.send(request);
  }

  /** Waits until the server can serve. @throws CommandError after `deadlineMs` */
  async waitUntilReady(deadlineMs: number, signal: AbortSignal): Promise<void> {
    const giveUpAt = performance.now() + deadlineMs;
    while (!signal.aborted) {
      const problem = await this.whyNotReady();
      if (problem === undefined) return;
      if (performance.now() > giveUpAt) {
        throw new CommandError(`The API was not ready within ${deadlineMs / 1000} s: ${problem}`);
      }
      await sleep(50);
    }
  }

  private async persist<T>(request: ApiRequest, attempt: () => Promise<T>): Promise<T> {
    const delays = this.options.retryDelaysMs ?? RETRY_DELAYS_MS;
    const repeatable = request.repeatable ?? request.method === 'GET';
    const giveUpAt = performance.now() + (this.options.timeoutMs ?? TIMEOUT_MS);
    for (let tries = 0; ; tries++) {
      try {
        return await attempt();
      } catch (error) {
        const pause = pauseAfter(error, delays[tries], repeatable);
        if (pause === undefined || performance.now() + pause > giveUpAt) throw error;
        await sleep(pause, undefined, request.signal ? { signal: request.signal } : {});
      }
    }
  }

  private async send({ method, path, body, headers, signal }: ApiRequest): Promise<Response> {
    const inTime = new AbortController();
    const timer = setTimeout(() => inTime.abort(timedOut()), this.options.timeoutMs ?? TIMEOUT_MS);
    try {
      const response = await this.reading(() =>
        fetch(`${this.baseUrl}${path}`, {
          method,
          // A redirect would take the token, or the body, elsewhere.
          redirect: 'manual',
          headers: {
            ...(this.token === undefined ? {} : { authorization: `Bearer ${this.token}` }),
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            ...headers,
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          signal: signal ? AbortSignal.any([signal, inTime.signal]) : inTime.signal,
        }),
      );
      if (response.ok) return response;
      throw await this.refusal(response, `${method} ${path.split('?', 1)[0] ?? ''}`);
    } finally {
      clearTimeout(timer);
    }
  }

  private async reading<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      if (error instanceof Error && error.name === 'AbortError') throw error;
      throw connectionProblem(error, this.baseUrl);
    }
  }

  private async refusal(response: Response, request: string): Promise<CommandError> {
    const { status, headers } = response;
    const answer = readErrorShape(await this.reading(() => response.text()));
    if (!answer) return this.notMillrace(status, headers.get('location'));
    if (isUnknownRoute(status, answer)) return this.unknownRoute(request, status, answer);
    const suggestions = status === 401 ? this.logIn() : answer.suggestions;
    const seconds = retryAfterSeconds(headers);
    const wait = seconds === undefined ? [] : [`The server asks to wait for ${seconds} s.`];
    return new RefusedError(
      answer.message,
      exitCodeOf(status),
      [...wait, ...suggestions],
      answer,
      status,
      seconds,
    );
  }

  /** Requests of this command are right by its own release, so it is the server that is another. */
  private async unknownRoute(
    request: string,
    status: number,
    answer: ErrorShape,
  ): Promise<CommandError> {
    const suggestions = releaseHints(await serverVersion(this.baseUrl), packageVersion());
    const message = `${this.baseUrl} does not know the request ${request}.`;
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

  private notMillrace(status: number, location: string | null): CommandError {
    if (location !== null && status >= 300 && status < 400) {
      return new CommandError(
        `${this.baseUrl} leads elsewhere, to ${location}`,
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

  private async whyNotReady(): Promise<string | undefined> {
    try {
      const response = await fetch(`${this.baseUrl}/api/health/ready`);
      if (response.ok) return undefined;
      const { checks = {} } = (await response.json()) as HealthBody;
      const down = Object.entries(checks).filter(([, { status }]) => status === 'down');
      return down.map(([name, { message }]) => `${name}: ${message}`).join('; ');
    } catch (error) {
      return `it does not answer (${error instanceof Error ? error.message : String(error)})`;
    }
  }
}

/** The server answered with its error shape. */
export class RefusedError extends CommandError {
  constructor(
    message: string,
    exitCode: number,
    suggestions: readonly string[],
    answer: ErrorShape | undefined,
    readonly status: number,
    readonly retryAfterSeconds?: number,
  ) {
    super(message, exitCode, suggestions, answer);
    this.name = 'RefusedError';
  }
}

/** Somebody else answered: a proxy whose server is away, or another program. */
class GatewayError extends RefusedError {}

/** True for what a server that comes back will not say again. */
export function isPassing(error: unknown): boolean {
  if (error instanceof ConnectionProblem) return error.passing;
  return error instanceof RefusedError && [429, 502, 503, 504].includes(error.status);
}

/** Milliseconds until the next try; `undefined` = there is none. */
function pauseAfter(
  error: unknown,
  delay: number | undefined,
  repeatable: boolean,
): number | undefined {
  if (delay === undefined || !isPassing(error)) return undefined;
  if (error instanceof ConnectionProblem) return repeatable || error.unsent ? delay : undefined;
  if (!(error instanceof RefusedError)) return undefined;
  // 429 and 503 of ours mean that nothing was done; a gateway does not know.
  if (!repeatable && !error.answer) return undefined;
  const asked = (error.retryAfterSeconds ?? 0) * 1_000;
  return asked > MAX_PAUSE_MS ? undefined : Math.max(delay, asked);
}

function exitCodeOf(status: number): number {
  if (status === 401 || status === 403) return exitCodes.auth;
  if (status === 404) return exitCodes.notFound;
  if (status === 409) return exitCodes.failed;
  if (status === 429 || status >= 500) return exitCodes.unreachable;
  return exitCodes.usage;
}

/** A path that no route has, not a thing that is not there: only of the former the server says method and path. */
function isUnknownRoute(status: number, { details }: ErrorShape): boolean {
  if (status === 405) return true;
  if (status !== 404 || typeof details !== 'object' || details === null) return false;
  return 'method' in details && 'path' in details;
}

function retryAfterSeconds(headers: Headers): number | undefined {
  const text = headers.get('retry-after') ?? '';
  return /^\d{1,6}$/.test(text) ? Number(text) : undefined;
}

function readErrorShape(text: string): ErrorShape | undefined {
  try {
    const value = JSON.parse(text) as Partial<ErrorShape> | null;
    if (typeof value?.error !== 'string' || typeof value.message !== 'string') return undefined;
    return { ...(value as ErrorShape), suggestions: value.suggestions ?? [] };
  } catch {
    return undefined; // Not JSON: whoever asked says so.
  }
}

function timedOut(): Error {
  const error = new Error('no answer');
  error.name = 'TimeoutError';
  return error;
}
