import { maskForms } from './redaction/mask-forms.js';
import { redactUrls } from './values/redact-urls.js';
import { REDACTED } from './values/repository-url.js';

/** The user name and password (or token) of a URL, percent-decoded. */
export interface UrlCredentials {
  readonly username: string;
  readonly password: string;
}

/**
 * Takes the credentials out of a URL. `url` is the normalised rest, `credentials` is absent when
 * there were none.
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
 * Every form in which the credentials may turn up in a text: those of {@link maskForms} for the
 * password (for the user name when it stands alone) and for the pair of HTTP Basic. Longest first;
 * secrets under 4 bytes have none.
 */
export function credentialForms(credentials: UrlCredentials): readonly string[] {
  const { username, password } = credentials;
  const secret = password === '' ? username : password;
  const forms = [...maskForms(secret), ...maskForms(`${username}:${password}`)];
  return [...new Set(forms.map(String))].sort((a, b) => b.length - a.length);
}

/**
 * Replaces each of the forms (see {@link credentialForms}) and the user information of every URL.
 */
export function redactCredentials(text: string, forms: readonly string[]): string {
  const withoutForms = forms.reduce((rest, form) => rest.replaceAll(form, REDACTED), text);
  return redactUrls(withoutForms);
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // A bare `%` in a password that was never encoded: taken as it is.
  }
}
