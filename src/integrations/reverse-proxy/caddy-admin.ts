import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { messageOf } from '../../common/values/error-message.js';
import type { Json, JsonObject } from './caddy-config.js';
import { ProxyAwayError, ProxyConflictError } from './reverse-proxy.js';

/** For the configuration that it has, ms. */
const READ_MS = 5_000;
/** Until all of a new configuration runs, ms. */
const REPLACE_MS = 20_000;
/** How often something is asked that gets no answer, and the pause after each time, ms. */
const TRIES = 4;
const PAUSE_MS = 50;

/** Caddy does not take a configuration; `message` is what it says. */
export class CaddyRefusalError extends Error {}

interface Answer {
  readonly status: number;
  readonly etag: string;
  readonly body: string;
}

/** The connection was closed before there was a whole answer. */
class UnansweredError extends Error {}

/**
 * The admin endpoint of a Caddy at a unix socket. With each new configuration Caddy opens the
 * endpoint again, too, and closes without an answer what arrives in that moment: it is asked again.
 */
export class CaddyAdmin {
  constructor(private readonly socket: string) {}

  /** @throws ProxyAwayError */
  async read(): Promise<{ readonly config: JsonObject; readonly etag: string }> {
    const { status, etag, body } = await this.ask(() => this.exchange('GET', {}));
    const config = status === 200 ? parseObject(body) : undefined;
    if (config === undefined) throw new ProxyAwayError(`it answered ${status}: ${body.trim()}`);
    return { config, etag };
  }

  /**
   * @param etag of the configuration that this one replaces
   * @throws CaddyRefusalError, ProxyConflictError, ProxyAwayError
   */
  async replace(config: JsonObject, etag: string): Promise<void> {
    const answer = await this.ask(async () => {
      try {
        return await this.exchange('POST', { 'If-Match': etag }, JSON.stringify(config));
      } catch (error) {
        if (!(error instanceof UnansweredError)) throw error;
        // It may have been taken all the same.
        if (!isDeepStrictEqual((await this.read()).config, config)) throw error;
        return undefined;
      }
    });
    if (answer === undefined) return;
    const { status, body } = answer;
    if (status === 412) throw new ProxyConflictError();
    if (status !== 200) throw new CaddyRefusalError(errorOf(body));
  }

  /** @throws ProxyAwayError */
  private async ask<T>(exchange: () => Promise<T>): Promise<T> {
    for (let left = TRIES - 1; ; left -= 1) {
      try {
        return await exchange();
      } catch (error) {
        if (error instanceof ProxyAwayError) throw error;
        if (left === 0 || !(error instanceof UnansweredError)) {
          throw new ProxyAwayError(messageOf(error), { cause: error });
        }
        await delay(PAUSE_MS);
      }
    }
  }

  private exchange(
    method: string,
    headers: Readonly<Record<string, string>>,
    body?: string,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const outgoing = request({
        socketPath: this.socket,
        path: '/config/',
        method,
        headers: { ...headers, ...(body !== undefined && { 'Content-Type': 'application/json' }) },
        // With each change of its configuration Caddy closes connections that are kept.
        agent: false,
        signal: AbortSignal.timeout(body === undefined ? READ_MS : REPLACE_MS),
      });
      const fail = (error: NodeJS.ErrnoException): void => {
        const isUnanswered = error.code === 'ECONNRESET' || error.code === 'EPIPE';
        reject(isUnanswered ? new UnansweredError(error.message, { cause: error }) : error);
      };
      outgoing.once('error', fail);
      outgoing.once('response', (incoming) => {
        const status = incoming.statusCode ?? 0;
        const etag = String(incoming.headers.etag ?? '');
        text(incoming).then((whole) => resolve({ status, etag, body: whole }), fail);
      });
      outgoing.end(body);
    });
  }
}

function parseObject(body: string): JsonObject | undefined {
  const value = parse(body);
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : undefined;
}

/** Caddy answers `{"error": "…"}`. */
function errorOf(body: string): string {
  const error = parseObject(body)?.['error'];
  return typeof error === 'string' ? error : body.trim();
}

function parse(body: string): Json | undefined {
  try {
    return JSON.parse(body) as Json;
  } catch {
    return undefined; // Whoever asked says what the body is.
  }
}
