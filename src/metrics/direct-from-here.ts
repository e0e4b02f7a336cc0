import type { MillraceRequest } from '../common/http/request-context.js';
import { isLoopbackHost } from '../config/loopback.js';

/** What a proxy adds to the requests that it passes on. */
const FORWARDING = /^(forwarded|via|x-real-ip|x-forwarded-.*)$/;

/** Comes from a program of this machine, which no proxy passed on for somebody else. */
export function isDirectFromHere({ socket, headers }: MillraceRequest): boolean {
  const peer = (socket.remoteAddress ?? '').replace(/^::ffff:/, '');
  if (!isLoopbackHost(peer)) return false;
  return !Object.keys(headers).some((name) => FORWARDING.test(name));
}
