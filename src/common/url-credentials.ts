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
  return text.replace(unencodedPassword, `$1${REDACTED}@`).replace(userInfo, redactUserInfo);
}

/**
 * Every form in which the credentials may turn up in a text: plain, percent-encoded, and as the
 * base64 of HTTP Basic. Longest first. Values under 4 characters are left out, they would
 * mask ordinary words; so is the user name when there is a password beside it.
 */
export function credentialForms(credentials: UrlCredentials): readonly string[] {
  const { username, password } = credentials;
  const secret = password === '' ? username : password;
  const pair = `${username}:${password}`;
  const forms = [
    secret,
    encodeURIComponent(secret),
    encodeURI(secret),
    Buffer.from(pair, 'utf8').toString('base64').replace(/=+$/, ''),
    Buffer.from(secret, 'utf8').toString('base64').replace(/=+$/, ''),
  ];
  return [...new Set(forms)]
    .filter((form) => form.length >= MINIMUM_SECRET_LENGTH)
    .sort((a, b) => b.length - a.length);
}

/** Replaces each of the forms (see {@link credentialForms}) and the user information of every URL. */
export function redactCredentials(text: string, forms: readonly string[]): string {
  const withoutForms = forms.reduce((rest, form) => rest.replaceAll(form, REDACTED), text);
  return redactUrlCredentials(withoutForms);
}

const MINIMUM_SECRET_LENGTH = 4;

/** The authority up to its last `@` (RFC 3986, 3.2.1). */
const userInfo = /([a-z][a-z0-9+.-]*:\/\/)([^\s/?#"'<>]*)@/gi;

/** `user:pa/ss@`: what follows the colon is no port, so it is the start of a password. */
const unencodedPassword =
  /([a-z][a-z0-9+.-]*:\/\/)[^\s/?#:@"'<>]*:(?!\d*(?:[/?#\s]|$))[^\s@"'<>]*@/gi;

function redactUserInfo(whole: string, scheme: string, user: string): string {
  const harmless = scheme.toLowerCase().endsWith('ssh://') && !user.includes(':');
  return harmless ? whole : `${scheme}${REDACTED}@`;
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // A bare `%` in a password that was never encoded: taken as it is.
  }
}
