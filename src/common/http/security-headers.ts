import type { NextFunction, Request, Response } from 'express';
import helmet from 'helmet';
import { isBehindTls } from './client-address.js';

/**
 * Answers of the API are data: whatever a browser makes of one, it must load, run and embed
 * nothing.
 */
const apiPolicy = {
  useDefaults: false,
  directives: {
    'default-src': ["'none'"],
    // Pictures that we draw (badges) have styles within.
    'style-src': ["'unsafe-inline'"],
    'base-uri': ["'none'"],
    'form-action': ["'none'"],
    'frame-ancestors': ["'none'"],
  },
};

/** Swagger UI: its own scripts only; it sets styles in place and draws from `data:` URLs. */
const docsPolicy = {
  useDefaults: false,
  directives: {
    'default-src': ["'none'"],
    'script-src': ["'self'"],
    'style-src': ["'self'", "'unsafe-inline'"],
    'img-src': ["'self'", 'data:'],
    'font-src': ["'self'", 'data:'],
    'connect-src': ["'self'"],
    'base-uri': ["'none'"],
    'form-action': ["'self'"],
    'frame-ancestors': ["'none'"],
  },
};

const DOCS_PATH = /^\/api\/docs(?:\/|$)/;
/**
 * Half a year. Without `includeSubDomains`: other hosts of the domain are not ours to decide for.
 */
const strictTransport = `max-age=${String(180 * 24 * 3_600)}`;

/**
 * The headers that keep a browser from making more of an answer than it is.
 * @param proxies `TRUST_PROXY`; HSTS is sent when one of them tells that the client speaks TLS to
 *   it
 */
export function securityHeaders(
  proxies: number,
): (request: Request, response: Response, next: NextFunction) => void {
  const common = { strictTransportSecurity: false, xFrameOptions: { action: 'deny' } } as const;
  const forApi = helmet({ ...common, contentSecurityPolicy: apiPolicy });
  const forDocs = helmet({ ...common, contentSecurityPolicy: docsPolicy });
  return (request, response, next) => {
    if (isBehindTls(request, proxies)) {
      response.setHeader('Strict-Transport-Security', strictTransport);
    }
    (DOCS_PATH.test(request.path) ? forDocs : forApi)(request, response, next);
  };
}
