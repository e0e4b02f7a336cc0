import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiExtension } from '@nestjs/swagger';
import type { Request } from 'express';
import { createHash } from 'node:crypto';
import type { MillraceError } from '../errors/millrace.error.js';
import type { RouteHandler } from './controller-routes.js';

const ERROR_PAGES = 'millrace:error-pages';
/** Of the document, until it is finished. */
export const ERROR_PAGES_EXTENSION = 'x-error-pages';

/**
 * A route that people open in a browser: its errors are pages for whoever accepts HTML before JSON,
 * and the one error shape for everybody else.
 */
export function ErrorPages(): MethodDecorator & ClassDecorator {
  return applyDecorators(SetMetadata(ERROR_PAGES, true), ApiExtension(ERROR_PAGES_EXTENSION, true));
}

export function isAskedForPage(
  request: Pick<Request, 'accepts' | 'headers'>,
  route: Partial<RouteHandler> | undefined,
): boolean {
  if (route?.handler === undefined) return false;
  if (Reflect.getMetadata(ERROR_PAGES, route.handler) !== true) return false;
  // Programs say `*/*`, or nothing.
  return /\btext\/html\b/i.test(request.headers.accept ?? '') && firstAccepted(request) === 'html';
}

function firstAccepted(request: Pick<Request, 'accepts'>): string | false {
  return request.accepts(['html', 'json']);
}

const STYLE =
  'body{font:1.1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:15vh auto;padding:0 1rem;color-scheme:light dark}small{opacity:.7}';

/** Nothing is loaded, run or embedded; the one style is named by its digest. */
export const ERROR_PAGE_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join(';');

/** What happened and what to do, for a person. */
export function errorPage(
  error: Pick<MillraceError, 'kind' | 'message' | 'details'>,
  suggestions: readonly string[],
  requestId: string,
): string {
  const { login } = (error.details ?? {}) as { readonly login?: unknown };
  const account = typeof login === 'string' ? `<p>Account: <b>${escaped(login)}</b></p>` : '';
  const todo = suggestions.map((each) => `<li>${linked(escaped(each))}</li>`).join('');
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Millrace: ${escaped(error.message)}</title><style>${STYLE}</style></head>
<body><h1>${escaped(error.message)}</h1>
${account}<p>What to do:</p><ul>${todo}</ul>
<p><small>${error.kind}, request ${escaped(requestId)}</small></p>
</body></html>
`;
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** The address at the end of a suggestion, which is our own text. */
function linked(text: string): string {
  return text.replace(/https?:\/\/[\w./:[\]-]+$/, (url) => `<a href="${url}">${url}</a>`);
}
