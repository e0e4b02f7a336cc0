import { readFileSync } from 'node:fs';
import { readToken, tokenFile } from '../../auth/tokens/token-file.js';
import { valueOf } from '../../common/values/name-record.js';
import { addressFile, type ClientEnvironment } from '../../config/client-environment.js';
import { homeError } from '../../config/paths.js';
import { CommandError } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';
import type { LoginStore } from './login-store.js';
import { isReadableOnTheWay, isSameServer, parseServerUrl } from './server-url.js';

/** Flags of every command that talks to a server. */
export interface ConnectionFlags {
  readonly server?: string;
  readonly token?: string;
  readonly insecure?: boolean;
}

export interface Connection {
  readonly url: string;
  readonly urlSource: 'flag' | 'environment' | 'login' | 'local';
  readonly token: string | undefined;
  /** Where the token is from, for messages; never the token. */
  readonly tokenSource: string;
}

interface FoundToken {
  readonly token: string | undefined;
  readonly source: string;
  readonly consent?: boolean;
}

/**
 * Whom to talk to and as who: flags, then `MILLRACE_URL` and `MILLRACE_TOKEN`, then the stored
 * log-in, then the server of this user on this machine. A stored token goes to the server that it
 * was stored for and to no other.
 *
 * @throws CommandError when a token would travel readably
 */
export function resolveConnection(
  flags: ConnectionFlags,
  environment: ClientEnvironment,
  store: LoginStore,
): Connection {
  const target = resolveUrl(flags, environment, store);
  const found = findToken(flags, environment, store, target.url);
  if (found.token !== undefined) {
    refuseUnsendable(found.token, found.source);
    refuseReadable(target.url, flags.insecure === true || found.consent === true);
  }
  return { ...target, token: found.token, tokenSource: found.source };
}

/** The server alone. */
export function resolveUrl(
  flags: ConnectionFlags,
  environment: ClientEnvironment,
  store: LoginStore,
): Pick<Connection, 'url' | 'urlSource'> {
  if (flags.server !== undefined) return { url: parseServerUrl(flags.server), urlSource: 'flag' };
  if (environment.url !== undefined) {
    return { url: parseServerUrl(environment.url), urlSource: 'environment' };
  }
  const { current } = store.read();
  if (current !== undefined) return { url: current, urlSource: 'login' };
  return { url: localUrl(environment), urlSource: 'local' };
}

/** @throws CommandError when anybody between here and the server would read the token */
export function refuseReadable(url: string, consent: boolean): void {
  if (consent || !isReadableOnTheWay(url)) return;
  throw new CommandError(
    `A token is not sent to ${url}: over plain HTTP everybody on the way can read it.`,
    exitCodes.usage,
    ['Use the https:// address of the server, or add --insecure when the network is yours.'],
  );
}

/** True for what a token may be: it stands in a header. */
export function isSendable(token: string): boolean {
  return /^[\u0021-\u007e]+$/.test(token);
}

/** @throws CommandError, which names where the token is from and not the token */
function refuseUnsendable(token: string, source: string): void {
  if (isSendable(token)) return;
  throw new CommandError(
    `The token of ${source} is none: a token has no spaces, no line breaks and only ASCII characters.`,
    exitCodes.usage,
    ['Give the token alone, as it was printed when it was made.'],
  );
}

/**
 * The token of the server that `./millrace start` runs for this user here, when `url` is that
 * server.
 */
export function localToken(environment: ClientEnvironment, url: string): string | undefined {
  if (!isSameServer(url, localUrl(environment))) return undefined;
  try {
    return readToken(tokenFile(environment.home));
  } catch (error) {
    // The data folder of somebody else: whoever may not read it has no right to its token.
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return undefined;
    throw homeError(environment.home, error);
  }
}

function findToken(
  flags: ConnectionFlags,
  environment: ClientEnvironment,
  store: LoginStore,
  url: string,
): FoundToken {
  if (flags.token !== undefined) return { token: flags.token, source: 'the flag --token' };
  if (environment.token !== undefined) {
    return { token: environment.token, source: 'MILLRACE_TOKEN' };
  }
  const stored = valueOf(store.read().servers, url);
  if (stored) {
    return { token: stored.token, source: 'the stored log-in', consent: stored.insecure };
  }
  return { token: localToken(environment, url), source: tokenFile(environment.home) };
}

/** Where the server of this user listens, as it said when it started; else where it would. */
function localUrl({ home, port }: ClientEnvironment): string {
  const fallback = `http://127.0.0.1:${port}`;
  try {
    return parseServerUrl(readFileSync(addressFile(home), 'utf8'));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'EACCES' || error instanceof CommandError) return fallback;
    throw homeError(home, error);
  }
}
