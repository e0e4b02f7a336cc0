import { stat } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { messageOf } from '../../common/values/error-message.js';
import { within } from '../../common/async/within.js';
import { EngineAwayError } from './container-runtime.js';

/** For the answer to the smallest question that an engine knows, ms. */
const PING_MS = 5_000;

/** Where an engine listens, as the client of HTTP has it. */
export type EnginePlace =
  | { readonly socketPath: string }
  | { readonly host: string; readonly port: string | number; readonly protocol: 'http' | 'https' };

/** @param host `unix:///…`, `tcp://host:port` or `http(s)://…` */
export function placeOf(host: string): EnginePlace {
  if (host.startsWith('unix://')) return { socketPath: host.slice('unix://'.length) };
  const { hostname, port, protocol } = new URL(host.replace(/^tcp:/, 'http:'));
  const isTls = protocol === 'https:';
  return {
    host: hostname,
    port: port || (isTls ? 2376 : 2375),
    protocol: isTls ? 'https' : 'http',
  };
}

/** Where a request to an engine goes, in the words of Node. */
export function requestTo(host: string): {
  readonly isTls: boolean;
  readonly options: { readonly socketPath: string } | { readonly host: string; port: number };
} {
  const place = placeOf(host);
  if ('socketPath' in place) return { isTls: false, options: place };
  const { protocol, port } = place;
  return { isTls: protocol === 'https', options: { host: place.host, port: Number(port) } };
}

/**
 * Asks an engine whether it is there, by a connection of its own: one that is open already is
 * served also by an engine that is being ended, and listens no more.
 *
 * @returns what is another text once another engine listens there, or this one was started again,
 *   as far as that is seen from outside: the file of its socket, and its version
 * @throws EngineAwayError, after at most 5 s
 */
export async function pingEngine(host: string, limitMs = PING_MS): Promise<string> {
  const place = placeOf(host);
  const stop = new AbortController();
  try {
    const asked = ask(host, stop.signal);
    const version = await within(limitMs, asked, () => {
      throw new Error(`no answer within ${limitMs / 1000} s`);
    });
    return `${version} ${'socketPath' in place ? await fileOf(place.socketPath) : ''}`;
  } catch (error) {
    throw new EngineAwayError(messageOf(error));
  } finally {
    stop.abort();
  }
}

function ask(host: string, signal: AbortSignal): Promise<string> {
  const { isTls, options } = requestTo(host);
  return new Promise((resolve, reject) => {
    const send = isTls ? httpsRequest : httpRequest;
    const request = send({ ...options, path: '/_ping', agent: false, signal }, (response) => {
      response.resume();
      response.once('error', reject);
      response.once('end', () => {
        const { statusCode = 0 } = response;
        if (statusCode === 200) resolve(String(response.headers.server ?? ''));
        else reject(new Error(`it answers with status ${statusCode}`));
      });
    });
    request.once('error', reject);
    request.end();
  });
}

/** An engine that makes its socket by itself makes another file at each start. */
async function fileOf(path: string): Promise<string> {
  const { ino, birthtimeMs } = await stat(path);
  return `${ino}:${birthtimeMs}`;
}
