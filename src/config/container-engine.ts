import { existsSync } from 'node:fs';
import { isLoopbackHost } from './loopback.js';

/** Where a Docker Engine of the machine listens. */
export const OWN_ENGINE = '/var/run/docker.sock';

/** Address of the engine that steps in containers run on; undefined: there is none. */
export function engineAddress(dockerHost: string | undefined): string | undefined {
  return dockerHost ?? (existsSync(OWN_ENGINE) ? `unix://${OWN_ENGINE}` : undefined);
}

/**
 * Address of the engine where that is on another machine: what it publishes at 127.0.0.1 is then
 * nothing of this one. Undefined: it is here, or there is none.
 */
export function engineElsewhere(dockerHost: string | undefined): string | undefined {
  if (dockerHost === undefined || dockerHost.startsWith('unix:')) return undefined;
  const { hostname } = new URL(dockerHost.replace(/^tcp:/, 'http:'));
  return isLoopbackHost(hostname) ? undefined : dockerHost;
}
