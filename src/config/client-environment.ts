import { join } from 'node:path';
import { readEnvironment } from './environment.js';
import { defaultClientFolder, defaultHome } from './paths.js';

/** What the command line reads as the client of a server. */
export interface ClientEnvironment {
  /** `MILLRACE_URL`: the server to talk to. */
  readonly url: string | undefined;
  /** `MILLRACE_TOKEN`. */
  readonly token: string | undefined;
  /** Data folder of a server of this user on this machine. */
  readonly home: string;
  /** Port that a server of this machine listens on when it did not say so. */
  readonly port: string;
  /** Folder of this user's own settings. */
  readonly configFolder: string;
}

/** An empty value counts as unset. */
export function readClientEnvironment(): ClientEnvironment {
  const environment = readEnvironment();
  const given = (name: string): string | undefined => environment[name]?.trim() || undefined;
  return {
    url: given('MILLRACE_URL'),
    token: given('MILLRACE_TOKEN'),
    home: given('MILLRACE_HOME') ?? defaultHome(),
    port: /^[1-9]\d{0,4}$/.exec(given('PORT') ?? '')?.[0] ?? '8000',
    configFolder: defaultClientFolder(),
  };
}

/**
 * The file, beside the token, in which `./millrace start` says where its API listens while it runs.
 */
export function addressFile(home: string): string {
  return join(home, 'url');
}
