import { isIPv4 } from 'node:net';

/**
 * True for `localhost`, `127.0.0.0/8` and `::1` (with or without brackets): only this machine
 * reaches them.
 */
export function isLoopbackHost(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[|\]$/g, '');
  if (name === 'localhost' || name === '::1' || name === '0:0:0:0:0:0:0:1') return true;
  return isIPv4(name) && name.startsWith('127.');
}
