import { maskForms } from './redaction/mask-forms.js';

/** The user name and password (or token) of a URL, percent-decoded. */
export interface UrlCredentials {
  readonly username: string;
  readonly password: string;
}

/** What stands where a credential was. */
export const REDACTED = '***';

/**
 * Takes the credentials out of a URL. `url` is the normalised rest, `credentials` is absent when there were none.
 * @throws TypeError when the text is no URL; its message does not repeat the text.
 */
export function splitUrlCredentials(text: string): {
  readonly url: string;
  readonly credentials?: UrlCredentials;
} {
  if (!URL.canParse(text)) throw new TypeError('Not a valid URL');
  const url = new URL(text);
  if (url.username === '' && url.password === '') return { url: url.href };
  const credentials = {
    username: percentDecoded(url.username),
    password: percentDecoded(url.password),
  };
  url.username = '';
  url.password = '';
  return { url: url.href, credentials };
}

/**
 * Replaces the user information of every URL in a text: `https://user:token@host/` -> `https://***@host/`.
 * A user name alone may be a token and goes too, except in `ssh://git@host`, where it never is one.
 * Also catches URLs that are not valid because the password holds a bare `/`, `?` or `#`.
 */
export function redactUrlCredentials(text: string): string {
  if (!text.includes('@')) return text;
  let redacted = '';
  let copied = 0;
  for (let at = text.indexOf('://'); at !== -1; at = text.indexOf('://', at + 3)) {
    const start = at + 3;
    const end = userInfoEnd(text, start);
    if (end === undefined || isLoginName(text, at, end)) continue;
    redacted += text.slice(copied, start) + REDACTED;
    copied = end;
  }
  return redacted + text.slice(copied);
}

/**
 * Every form in which the credentials may turn up in a text: those of {@link maskForms} for the password (for the
 * user name when it stands alone) and for the pair of HTTP Basic. Longest first; secrets under 4 bytes have none.
 */
export function credentialForms(credentials: UrlCredentials): readonly string[] {
  const { username, password } = credentials;
  const secret = password === '' ? username : password;
  const forms = [...maskForms(secret), ...maskForms(`${username}:${password}`)];
  return [...new Set(forms.map(String))].sort((a, b) => b.length - a.length);
}

/** Replaces each of the forms (see {@link credentialForms}) and the user information of every URL. */
export function redactCredentials(text: string, forms: readonly string[]): string {
  const withoutForms = forms.reduce((rest, form) => rest.replaceAll(form, REDACTED), text);
  return redactUrlCredentials(withoutForms);
}

/** A password with a bare `/`, `?` or `#` is looked for this far, in characters. */
const MAX_UNENCODED = 512;

/** Where the `@` stands that ends the user information of the URL whose authority begins at `start`. */
function userInfoEnd(text: string, start: number): number | undefined {
  const authority = scan(text, start, authorityCharacters);
  const at = authority.lastIndexOf('@');
  if (at !== -1) return start + at;
  // `user:pa/ss@`: what follows the colon is no port, so it is the start of a password.
  const colon = authority.lastIndexOf(':');
  const isPort = /^\d*$/.test(authority.slice(colon + 1));
  if (colon === -1 || isPort || authority.startsWith('[')) return undefined;
  const unencoded = scan(text, start, wordCharacters, MAX_UNENCODED).indexOf('@');
  return unencoded === -1 ? undefined : start + unencoded;
}

// Sticky: they match from where they are told to, and only forward, so a text is read once.
const authorityCharacters = /[^\s/?#"'<>]*/y;
const wordCharacters = /[^\s"'<>]*/y;

function scan(text: string, start: number, characters: RegExp, limit?: number): string {
  if (limit !== undefined) return scan(text.slice(start, start + limit), 0, characters);
  characters.lastIndex = start;
  return characters.exec(text)?.[0] ?? '';
}

/** `ssh://git@`: a name without a password, where a name is never a token. */
function isLoginName(text: string, schemeEnd: number, end: number): boolean {
  const scheme = text.slice(Math.max(0, schemeEnd - 3), schemeEnd).toLowerCase();
  return scheme === 'ssh' && !text.slice(schemeEnd + 3, end).includes(':');
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // A bare `%` in a password that was never encoded: taken as it is.
  }
}
