import { isLoopbackHost } from '../../config/loopback.js';
import { CommandError } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';

/**
 * The base address of a server as people write it: `https://` is added where there is none
 * (`http://` for this machine), a slash at the end is taken away. @throws CommandError when it is
 * no such address, or holds a password
 */
export function parseServerUrl(text: string): string {
  const url = readUrl(text.trim());
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw wrong(`"${withoutLogin(text)}" is not the address of a server.`);
  }
  // Also behind a slash: what should be a password may hold one.
  if (text.includes('@')) {
    throw wrong('The address of a server holds no user and password.');
  }
  if (url.search !== '' || url.hash !== '')
    throw wrong('The address of a server ends before ? and #.');
  return `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, '')}`;
}

function readUrl(text: string): URL | undefined {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return URL.canParse(text) ? new URL(text) : undefined;
  const guess = `https://${text}`;
  if (!URL.canParse(guess)) return undefined;
  return isLoopbackHost(new URL(guess).hostname) ? new URL(`http://${text}`) : new URL(guess);
}

/**
 * A log-in in what is no address stands in no message: greedy, because a password may hold slashes
 * and further `@`.
 */
function withoutLogin(text: string): string {
  return text.replace(/^(\s*[a-z][a-z0-9+.-]*:\/\/)?.*@/is, '$1***@');
}

function wrong(message: string): CommandError {
  return new CommandError(message, exitCodes.usage, [
    'Write it as https://ci.example.com or http://127.0.0.1:8000.',
  ]);
}

/** True when whoever listens to the network between here and there would read a token. */
export function isReadableOnTheWay(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'http:' && !isLoopbackHost(hostname);
}

/**
 * True for two addresses of the same server of this machine: `localhost`, `127.0.0.1` and `[::1]`
 * are one.
 */
export function isSameServer(one: string, other: string): boolean {
  if (one === other) return true;
  const [left, right] = [new URL(one), new URL(other)];
  return (
    left.protocol === right.protocol &&
    left.port === right.port &&
    left.pathname === right.pathname &&
    isLoopbackHost(left.hostname) &&
    isLoopbackHost(right.hostname)
  );
}
