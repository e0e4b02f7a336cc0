import type { NextFunction, Request, Response } from 'express';
import { hostname } from 'node:os';
import { isIP } from 'node:net';
import { isLoopbackHost } from '../../config/loopback.js';
import type { MillraceConfig } from '../../config/millrace-config.js';
import { MillraceError } from '../errors/millrace.error.js';

type EdgeConfig = Pick<MillraceConfig, 'host' | 'clientOrigins' | 'allowedHosts' | 'publicUrl'>;

/**
 * Keeps web pages out that the user did not mean to let in; programs without a browser send neither
 * header wrongly.
 *
 * - `Host` must be a name of this server: a page whose DNS name was rebound to this address sends
 *   its own name. On a loopback address only loopback names are its own; elsewhere also IP
 *   addresses and names without a dot, which no public DNS gives out. `ALLOWED_HOSTS` and the hosts
 *   of `CLIENT_ORIGIN` and `PUBLIC_URL` are added.
 * - `Origin`, when there is one, must be this server or in `CLIENT_ORIGIN`: any page may send
 *   simple POSTs anywhere. Browsers that send none still send `Sec-Fetch-Site`.
 */
export function edgeGuard(
  config: EdgeConfig,
): (request: Request, response: Response, next: NextFunction) => void {
  const origins = new Set(config.clientOrigins);
  const hosts = ownHosts(config);
  const loopbackOnly = isLoopbackHost(config.host);

  return (request, response, next) => {
    // A cache must not give one page the answer that another one got.
    response.vary('Origin');
    if (request.headers.host === undefined) {
      response.setHeader('Connection', 'close');
      next(noHost());
      return;
    }
    const name = hasOneHost(request) ? hostNameOf(request.headers.host) : undefined;
    if (name === undefined || !isOwnHost(name, hosts, loopbackOnly)) {
      next(foreignHost());
      return;
    }
    next(isForeignPage(request, origins) ? foreignOrigin() : undefined);
  };
}

function ownHosts(config: EdgeConfig): ReadonlySet<string> {
  const ofOrigins = config.clientOrigins.map((origin) => new URL(origin).hostname);
  const names = [config.host, ...config.allowedHosts, ...ofOrigins];
  if (config.publicUrl !== undefined) names.push(new URL(config.publicUrl).hostname);
  if (!isLoopbackHost(config.host)) names.push(hostname());
  return new Set(names.map((each) => each.toLowerCase().replace(/^\[|\]$/g, '')));
}

/**
 * Node takes the first of two `Host` headers; a proxy in front may have gone by the other (RFC
 * 9112, 3.2).
 */
function hasOneHost(request: Request): boolean {
  const names = request.rawHeaders.filter((_each, index) => index % 2 === 0);
  return names.filter((name) => name.toLowerCase() === 'host').length === 1;
}

/**
 * Host name of a `Host` header, lower case, without port and brackets; `undefined` when it is none.
 */
function hostNameOf(header: string | undefined): string | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i.exec(header ?? '');
  return (match?.[1] ?? match?.[2])?.toLowerCase().replace(/\.$/, '');
}

function isOwnHost(name: string, hosts: ReadonlySet<string>, loopbackOnly: boolean): boolean {
  if (isLoopbackHost(name) || hosts.has(name)) return true;
  if (loopbackOnly) return false;
  return isIP(name) !== 0 || !name.includes('.');
}

function isForeignPage(request: Request, origins: ReadonlySet<string>): boolean {
  const origin = request.headers.origin;
  if (origin !== undefined) return !origins.has(origin) && !isSameOrigin(origin, request);
  const reads = request.method === 'GET' || request.method === 'HEAD';
  return !reads && request.headers['sec-fetch-site'] === 'cross-site';
}

/** The scheme is not compared: a proxy in front may speak TLS for us. */
function isSameOrigin(origin: string, request: Request): boolean {
  if (!/^https?:\/\//i.test(origin) || !URL.canParse(origin)) return false;
  const { protocol, host } = new URL(origin);
  const own = `${protocol}//${request.headers.host ?? ''}`;
  return URL.canParse(own) && new URL(own).host === host;
}

/** RFC 9112, 3.2. */
function noHost(): MillraceError {
  return new MillraceError('ValidationError', 'The request has no Host header.', {
    suggestions: ['Send the name of this server as Host.'],
  });
}

/** 403: what refuses everybody else, whatever they ask. */
export function foreignHost(): MillraceError {
  return new MillraceError('AuthorizationError', 'The Host header names another server.', {
    suggestions: [
      'Use the address that Millrace printed at its start, or add the name to ALLOWED_HOSTS.',
    ],
  });
}

function foreignOrigin(): MillraceError {
  return new MillraceError('AuthorizationError', 'A page of another origin sent this request.', {
    suggestions: ['Add the origin of the page to CLIENT_ORIGIN, if it is yours.'],
  });
}
