import type { MillraceError } from '../errors/millrace.error.js';
import { escaped, htmlPage } from './html-page.js';

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
  return htmlPage(
    `Millrace: ${title}`,
    `<h1>${title}</h1>
${account}<p>What to do:</p><ul>${todo}</ul>
<p><small>${error.kind}, request ${escaped(requestId)}</small></p>`,
  );
}

function actionHtml({ text, href, command }: PageAction): string {
  const shown =
    href === undefined ? linked(escaped(text)) : `<a href="${escaped(href)}">${escaped(text)}</a>`;
  return command === undefined ? shown : `${shown} <code>${escaped(command)}</code>`;
}

/** The address at the end of a suggestion, and what stands between backticks: our own texts. */
function linked(html: string): string {
  return html
    .replace(/`([^`]+)`/g, '<code>$1</code>')
    .replace(/https?:\/\/[\w./:[\]-]+$/, (url) => `<a href="${url}">${url}</a>`);
}
