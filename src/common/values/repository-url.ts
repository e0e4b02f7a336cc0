import { lineProblem } from './text-rule.js';

/** What stands where something is that may be a credential. */
export const REDACTED = '***';

/**
 * A URL of which all parts are known: what is before its only `@` is user information, what is
 * behind `?` or `#` may be a token, the rest may be said. Expressions (`${{ … }}`) are put aside
 * first. Whatever is written otherwise may hold a credential at any place, because somebody
 * mistyped it.
 */
const PLAIN_URL =
  /^(https?|ssh):\/\/(?:([^\s/?#@\\"'<>]*)@)?([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:\d{0,5})?(\/[A-Za-z0-9._~/%+,!$()*;-]*)?([?#][^\s@\\]*)?$/i;
const SCP = /^([A-Za-z0-9._*-]+)@([A-Za-z0-9.-]+):([A-Za-z0-9._~/+-]+)$/;
const EXPRESSION = /\$\{\{[^]*?\}\}/g;
/** Names by which the large hosts let everybody log in with a key: no secrets. */
export const LOGIN_NAMES = new Set(['git', 'hg', 'svn']);

/**
 * What may be said of the URL of a repository, in answers, problems, reasons and logs: scheme, host
 * and path. Everything else is `***`, and of a text that is not surely a URL nothing is said at
 * all. Saying it twice changes nothing.
 */
export function sayUrl(text: string): string {
  const expressions: string[] = [];
  const plain = text.replace(EXPRESSION, (found) => {
    expressions.push(found);
    return `-x${expressions.length}x-`;
  });
  const said = sayPlain(plain);
  return said.replace(
    /-x(\d+)x-/g,
    (mark, number: string) => expressions[Number(number) - 1] ?? mark,
  );
}

/**
 * The URL of a repository without what may be a credential of it: user, password, query; undefined
 * where that cannot be told from the rest.
 */
export function plainRepositoryUrl(text: string): string | undefined {
  const isPlain = (url: string): boolean => !sayUrl(url).includes(REDACTED);
  if (isPlain(text)) return text;
  if (!/^https?:/i.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  for (const part of ['username', 'password', 'search', 'hash'] as const) url[part] = '';
  return isPlain(url.href) ? url.href : undefined;
}

/**
 * What may be said of a text that is a URL, or a name or path without anything that only a URL has.
 */
export function sayUrlOrName(text: string): string {
  return /[:@?#\\]/.test(text) ? sayUrl(text) : text;
}

function sayPlain(text: string): string {
  const url = PLAIN_URL.exec(text);
  if (url) {
    const [, scheme = '', user, host = '', port = '', path = '', rest] = url;
    const isLogin = scheme.toLowerCase() === 'ssh' && user !== undefined && LOGIN_NAMES.has(user);
    const before = user === undefined ? '' : `${isLogin ? user : REDACTED}@`;
    const after = rest === undefined ? '' : `${rest.charAt(0)}${REDACTED}`;
    return `${scheme}://${before}${host}${port}${path}${after}`;
  }
  const scp = SCP.exec(text);
  if (!scp) return REDACTED;
  const [, user = '', host = '', path = ''] = scp;
  return `${LOGIN_NAMES.has(user) ? user : REDACTED}@${host}:${path}`;
}

/**
 * Whether both certainly clone the same repository, by the same way: scheme, host, port and path
 * (less `.git` and `/` at its end) are equal, and with ssh the user. Credentials do not count.
 */
export function isSameClone(a: string, b: string): boolean {
  const [one, other] = [cloneAddress(a), cloneAddress(b)];
  return one !== undefined && one === other;
}

function cloneAddress(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const { protocol, host, username, pathname } = new URL(text);
  const user = protocol === 'ssh:' ? `${username}@` : '';
  const path = pathname.replace(/\/+$/, '').replace(/\.git$/, '');
  return host === '' ? undefined : `${protocol}//${user}${host}${path}`;
}

/** What the git client that is configured can clone from. */
export interface RepositorySupport {
  /** True: the git program is configured, which knows ssh. */
  readonly ssh: boolean;
}

/** Of a process with this `GIT_CLIENT`. */
export function repositorySupport({
  gitClient,
}: {
  readonly gitClient: string;
}): RepositorySupport {
  return { ssh: gitClient === 'git' };
}

export interface UrlProblem {
  /** A sentence that holds nothing of the URL. */
  readonly message: string;
  /** What to write instead. */
  readonly suggestion: string;
}

const HTTPS = 'https://host/owner/name.git';
/** Largest URL that the git clients take. */
const MAX_LENGTH = 2048;

/**
 * What keeps a URL from ever being cloned, told where it is written and not by the run that fails.
 * Of a text with expressions only what stands before the first one is known.
 */
export function repositoryUrlProblem(
  text: string,
  { ssh }: RepositorySupport,
): UrlProblem | undefined {
  const instead = ssh ? `Write ${HTTPS} or ssh://git@host/owner/name.git` : `Write ${HTTPS}`;
  const start = text.indexOf('${{');
  if (start >= 0) return schemeProblem(text.slice(0, start), ssh, instead);
  if (text.length > MAX_LENGTH) {
    return { message: `The URL has more than ${MAX_LENGTH} characters.`, suggestion: instead };
  }
  if (lineProblem(text) !== undefined || /[\s\\]/.test(text)) {
    const message = 'The URL holds a space, a backslash or a control character.';
    return { message, suggestion: 'Remove it; in a user or token write %20 for a space' };
  }
  if (/^[^/:@]+@[^/:@]+:/.test(text)) {
    const message = 'The short form of scp (user@host:path) cannot be cloned from.';
    return { message, suggestion: instead };
  }
  const scheme = schemeProblem(text, ssh, instead);
  if (scheme) return scheme;
  if (!/^[a-z]+:\/\/[^/]/i.test(text) || !URL.canParse(text)) {
    const message = 'This is no URL of a git repository.';
    return { message, suggestion: `${instead}; in a user or token write %2F for / and %40 for @` };
  }
  if (/[?#]/.test(text)) {
    const message = 'The URL has a query (?) or a fragment (#), which git does not take.';
    return { message, suggestion: 'Write a token in front of the host: https://user:token@host/…' };
  }
  const url = new URL(text);
  if (url.hostname === '' || !/^[a-z0-9[][a-z0-9._:\]-]*$/i.test(url.hostname)) {
    return { message: 'The host of the URL is not valid.', suggestion: instead };
  }
  if (url.protocol === 'ssh:' && url.password !== '') {
    const message = 'An ssh:// URL cannot carry a password.';
    return { message, suggestion: 'Use a key, or https:// with a token' };
  }
  return undefined;
}

function schemeProblem(text: string, ssh: boolean, suggestion: string): UrlProblem | undefined {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) {
    // Of a template that begins with an expression nothing is known yet.
    if (text === '' || /^[a-z][a-z0-9+.-]*$/i.test(text)) return undefined;
    return { message: 'This is no URL of a git repository.', suggestion };
  }
  if (scheme === 'http' || scheme === 'https') return undefined;
  if (scheme === 'ssh') {
    if (ssh) return undefined;
    const message = 'The git client of this server (GIT_CLIENT) cannot clone by ssh.';
    const hint = `${suggestion}, or have the git program configured: GIT_CLIENT=git`;
    return { message, suggestion: hint };
  }
  return { message: 'The scheme of the URL is not one that git is allowed to use.', suggestion };
}
