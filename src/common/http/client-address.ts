import type { IncomingMessage } from 'node:http';
import { isIP, isIPv4 } from 'node:net';
import ipaddr from 'ipaddr.js';

const IPV6_PREFIX_BITS = 64;

/**
 * Address of the client, in its usual spelling; '' when the connection is closed already. Without
 * proxies it is the other end of the connection, and `X-Forwarded-For` is not looked at. Behind n
 * proxies it is the n-th address from the right of that header: each proxy adds the one that it
 * saw, and what stands further left anybody can write. Where there are fewer, or what stands there
 * is no address, it is the last good one on the way.
 * @param proxies `TRUST_PROXY`
 */
export function clientAddress(request: IncomingMessage, proxies: number): string {
  let address = plainAddress(request.socket.remoteAddress ?? '') ?? '';
  const header = proxies > 0 ? request.headers['x-forwarded-for'] : undefined;
  let rest = Array.isArray(header) ? header.join(',') : header;
  for (let hop = 0; hop < proxies && rest !== undefined; hop += 1) {
    const comma = rest.lastIndexOf(',');
    const told = plainAddress(withoutPort(rest.slice(comma + 1).trim()));
    if (told === undefined) break;
    address = told;
    rest = comma < 0 ? undefined : rest.slice(0, comma);
  }
  return address;
}

/**
 * True when the client speaks TLS to the outermost of our proxies, as `X-Forwarded-Proto` tells.
 * Without proxies nobody's word counts.
 */
export function isBehindTls(request: IncomingMessage, proxies: number): boolean {
  const header = proxies > 0 ? request.headers['x-forwarded-proto'] : undefined;
  const told = String(header ?? '').split(',');
  return told[Math.max(0, told.length - proxies)]?.trim().toLowerCase() === 'https';
}

/**
 * What limits are counted by: an IPv4 address; of an IPv6 address its /64, because one customer has
 * all of that.
 */
export function clientNetwork(address: string): string {
  if (!address.includes(':')) return address;
  const parts = ipaddr.IPv6.parse(address).parts.slice(0, IPV6_PREFIX_BITS / 16);
  return `${parts.map((part) => part.toString(16)).join(':')}::/${String(IPV6_PREFIX_BITS)}`;
}

/**
 * IPv4 where it is an IPv4-mapped IPv6 address (`::ffff:10.0.0.1`), without a zone; `undefined`
 * when it is no address.
 */
function plainAddress(text: string): string | undefined {
  if (isIPv4(text)) return text;
  if (isIP(text) === 0) return undefined;
  return ipaddr.process(text.split('%', 1)[0] ?? '').toString();
}

/** Some proxies write `203.0.113.7:1234` or `[2001:db8::1]:1234`. */
function withoutPort(text: string): string {
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::\d{1,5})?$/.exec(text);
  return match?.[1] ?? match?.[2] ?? text;
}
