import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { messageOf } from '../../common/values/error-message.js';
import type { Json, JsonObject } from './caddy-config.js';
import { ProxyAwayError, ProxyConflictError } from './reverse-proxy.js';

/** For the configuration that it has, ms. */
const READ_MS = 5_000;
/** Until all of a new configuration runs, ms. */
const REPLACE_MS = 20_000;

/** Caddy does not take a configuration; `message` is what it says. */
export class CaddyRefusalError extends Error {}

interface Answer {
  readonly status: number;
  readonly etag: string;
  readonly body: string;
}

/** The admin endpoint of a Caddy at a unix socket. */
export class CaddyAdmin {
  constructor(private readonly socket: string) {}

  /** @throws ProxyAwayError */
  async read(): Promise<{ readonly config: JsonObject; readonly etag: string }> {
    const { status, etag, body } = await this.ask('GET', {});
    const config = status === 200 ? parseObject(body) : undefined;
    if (config === undefined) throw new ProxyAwayError(`it answered ${status}: ${body.trim()}`);
    return { config, etag };
  }

  /**
   * @param etag of the configuration that this one replaces
   * @throws CaddyRefusalError, ProxyConflictError, ProxyAwayError
   */
  async replace(config: JsonObject, etag: string): Promise<void> {
    const { status, body } = await this.ask('POST', { 'If-Match': etag }, JSON.stringify(config));
    if (status === 412) throw new ProxyConflictError();
    if (status !== 200) throw new CaddyRefusalError(errorOf(body));
  }

  private async ask(
    method: string,
    headers: Readonly<Record<string, string>>,
    body?: string,
  ): Promise<Answer> {
    try {
      return await this.exchange(method, headers, body);
    } catch (error) {
      throw new ProxyAwayError(messageOf(error), { cause: error });
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
      outgoing.once('error', reject);
      outgoing.once('response', (incoming) => {
        const status = incoming.statusCode ?? 0;
        const etag = String(incoming.headers.etag ?? '');
        text(incoming).then((whole) => resolve({ status, etag, body: whole }), reject);
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
