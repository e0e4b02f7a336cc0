import type { Request } from 'express';
import { createHash } from 'node:crypto';
import type { MillraceError } from '../errors/millrace.error.js';

/** One thing that a person can do about an error. */
export interface PageAction {
  readonly text: string;
  /** Where the text leads. */
  readonly href?: string;
  /** What to type, behind the text. */
  readonly command?: string;
}

/** What a page says in the place of the error, which is told to programs. */
export interface PageAdvice {
  readonly title: string;
  readonly todo: readonly PageAction[];
}

/**
 * A person opens an address in a browser: the errors of a GET are pages for whoever accepts HTML
 * before JSON, and the one error shape for everybody else.
 */
export function isAskedForPage(request: Pick<Request, 'accepts' | 'headers' | 'method'>): boolean {
  if (request.method !== 'GET' && request.method !== 'HEAD') return false;
  // Programs say `*/*`, or nothing.
  if (!/\btext\/html\b/i.test(request.headers.accept ?? '')) return false;
  return request.accepts(['html', 'json']) === 'html';
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
  advice: PageAdvice = { title: error.message, todo: suggestions.map((text) => ({ text })) },
): string {
  const { login } = (error.details ?? {}) as { readonly login?: unknown };
  const account = typeof login === 'string' ? `<p>Account: <b>${escaped(login)}</b></p>` : '';
  const todo = advice.todo.map((each) => `<li>${actionHtml(each)}</li>`).join('');
  const title = escaped(advice.title);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Millrace: ${title}</title><style>${STYLE}</style></head>
<body><h1>${title}</h1>
${account}<p>What to do:</p><ul>${todo}</ul>
<p><small>${error.kind}, request ${escaped(requestId)}</small></p>
</body></html>
`;
}

function actionHtml({ text, href, command }: PageAction): string {
  const shown =
    href === undefined ? linked(escaped(text)) : `<a href="${escaped(href)}">${escaped(text)}</a>`;
  return command === undefined ? shown : `${shown} <code>${escaped(command)}</code>`;
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** The address at the end of a suggestion, and what stands between backticks: our own texts. */
function linked(html: string): string {
  return html
    .replace(/`([^`]+)`/g, '<code>$1</code>')
    .replace(/https?:\/\/[\w./:[\]-]+$/, (url) => `<a href="${url}">${url}</a>`);
}
