import { existsSync } from 'node:fs';

/** Where a Docker Engine of the machine listens. */
export const OWN_ENGINE = '/var/run/docker.sock';

/** Address of the engine that steps in containers run on; undefined: there is none. */
export function engineAddress(dockerHost: string | undefined): string | undefined {
  return dockerHost ?? (existsSync(OWN_ENGINE) ? `unix://${OWN_ENGINE}` : undefined);
}
