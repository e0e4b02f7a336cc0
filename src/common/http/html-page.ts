import type { Request } from 'express';
import { createHash } from 'node:crypto';

const STYLE =
  'body{font:1.1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:15vh auto;padding:0 1rem;color-scheme:light dark}small{opacity:.7}' +
  'body:has(main){font-size:1rem;max-width:60rem;margin:2rem auto}pre,table{display:block;overflow-x:auto}pre{padding:.7rem;background:#8882}td,th{padding:.2rem .7rem .2rem 0;text-align:left;vertical-align:top}';

/** Nothing is run, embedded or loaded but our icon; the one style is named by its digest. */
export const PAGE_POLICY = [
  "default-src 'none'",
  "img-src 'self'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join(';');

/**
 * A person opens an address in a browser: the answer of a GET may be a page for whoever accepts
 * HTML before JSON, and is for programs for everybody else.
 */
export function isAskedForPage(request: Pick<Request, 'accepts' | 'headers' | 'method'>): boolean {
  if (request.method !== 'GET' && request.method !== 'HEAD') return false;
  // Programs say `*/*`, or nothing.
  if (!/\btext\/html\b/i.test(request.headers.accept ?? '')) return false;
  return request.accepts(['html', 'json']) === 'html';
}

/** @param title, body HTML: whoever calls this has escaped what is in them, see `escaped` */
export function htmlPage(title: string, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${title}</title><link rel="icon" href="/favicon.ico"><style>${STYLE}</style></head>
<body>${body}
</body></html>
`;
}

export function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
