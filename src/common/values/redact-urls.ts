import { LOGIN_NAMES, REDACTED, sayUrl } from './repository-url.js';

/** Words of a text: what stands between spaces, quotes and angle brackets. */
const WORD = /[^\s"'`<>]+/g;
const SECRET_PARAMETER =
  /([?&#;][^=&#;?\s]{0,40}(?:token|secret|passw|auth|key|sig|credential)[^=&#;?\s]{0,40}=)[^&#;\s]+/gi;
/** No scheme is longer. */
const MAX_SCHEME = 20;
/** A credential with a space in it is looked for this far, in characters. */
const MAX_UNENCODED = 512;

/**
 * Takes out of a text what may be a credential in a URL, also of URLs that do not parse:
 * `https://user:token@host/` -> `https://***@host/`, and the values of parameters that are named
 * like secrets. Names alone (`ada@example.com`, `ssh://git@host`) stay.
 */
export function redactUrls(text: string): string {
  if (!/[@?#:]/.test(text)) return text;
  let redacted = '';
  let copied = 0;
  WORD.lastIndex = 0;
  for (let word = WORD.exec(text); word !== null; word = WORD.exec(text)) {
    const start = word.index;
    if (start < copied) continue;
    const { said, isOpen } = redactWord(word[0]);
    let end = start + word[0].length;
    redacted += text.slice(copied, start) + said;
    if (isOpen) {
      // `https://user:to ken@host/`: the rest of the credential is in the words behind.
      const behind = /^[^\r\n@]*@/.exec(text.slice(end, end + MAX_UNENCODED));
      if (behind) {
        end += behind[0].length - 1;
        WORD.lastIndex = end;
      }
    }
    copied = end;
  }
  return redacted + text.slice(copied);
}

/**
 * What messages show of a value that somebody wrote: `sayUrl` of whatever has a mark of a
 * URL, all of any other. Cut only after that, because half a URL does not show where its credential
 * ends.
 */
export function quoted(value: string, max: number): string {
  const said = /[@?#]|\/\/|:\//.test(value) ? sayUrl(value) : value;
  return said.length > max ? `${said.slice(0, max)}…` : said;
}

interface Word {
  readonly said: string;
  /** True: it ends within what looks like a credential. */
  readonly isOpen: boolean;
}

function redactWord(word: string): Word {
  const starts = schemesOf(word);
  const [first] = starts;
  if (first === undefined) return { said: withoutPair(word), isOpen: false };
  let said = word.slice(0, first.at);
  let isOpen = false;
  for (const [index, { at, after }] of starts.entries()) {
    const url = redactUrl(word.slice(at, after), word.slice(after, starts[index + 1]?.at));
    said += word.slice(at, after) + url.said;
    isOpen = url.isOpen;
  }
  return { said, isOpen };
}

/**
 * Where URLs begin: a scheme and what somebody may have made of the two slashes. Web schemes need
 * none, because `URL` takes `https:user:token@host` as if they were there.
 */
function schemesOf(word: string): { readonly at: number; readonly after: number }[] {
  const starts: { at: number; after: number }[] = [];
  let taken = 0;
  for (let colon = word.indexOf(':'); colon >= 0; colon = word.indexOf(':', colon + 1)) {
    if (colon < taken) continue;
    const before = word.slice(Math.max(taken, colon - MAX_SCHEME), colon);
    const scheme = /[a-z][a-z0-9+.-]*$/i.exec(before)?.[0];
    if (scheme === undefined) continue;
    let after = colon + 1;
    while (word[after] === '/' || word[after] === '\\') after += 1;
    if (after === colon + 1 && !/^https?$/i.test(scheme)) continue;
    starts.push({ at: colon - scheme.length, after });
    taken = after;
  }
  return starts;
}

/** `user:token@host` without a scheme. */
function withoutPair(word: string): string {
  const at = word.lastIndexOf('@');
  const colon = word.indexOf(':');
  if (colon <= 0 || colon > at) return word;
  let start = colon;
  while (start > 0 && !/[/\\(=,;[\]{}|@]/.test(word.charAt(start - 1))) start -= 1;
  return start === colon ? word : word.slice(0, start) + REDACTED + word.slice(at);
}

function redactUrl(scheme: string, rest: string): Word {
  const authority = /^[^/?#\\]*/.exec(rest)?.[0] ?? '';
  const at = authority.lastIndexOf('@');
  if (at !== -1) {
    const user = authority.slice(0, at);
    const isLogin = /^ssh:/i.test(scheme) && LOGIN_NAMES.has(user);
    const tail = withoutSecretParameters(rest.slice(at));
    return { said: (isLogin ? user : REDACTED) + tail, isOpen: false };
  }
  // `user:pa/ss@`: what follows the colon is no port, so it is the start of a password.
  const colon = authority.lastIndexOf(':');
  const isPort = /^\d*$/.test(authority.slice(colon + 1));
  if (colon === -1 || isPort || authority.startsWith('[')) {
    return { said: withoutSecretParameters(rest), isOpen: false };
  }
  const unencoded = rest.slice(0, MAX_UNENCODED).indexOf('@');
  if (unencoded === -1) return { said: REDACTED, isOpen: true };
  return { said: REDACTED + withoutSecretParameters(rest.slice(unencoded)), isOpen: false };
}

function withoutSecretParameters(text: string): string {
  return /[?#]/.test(text) ? text.replace(SECRET_PARAMETER, `$1${REDACTED}`) : text;
}
