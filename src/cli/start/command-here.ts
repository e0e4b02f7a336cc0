import type { ClientEnvironment } from '../../config/client-environment.js';
import { resolveUrl } from '../api/connection.js';
import type { LoginStore } from '../api/login-store.js';
import { CommandError } from '../command/command.error.js';

/** The server that was started here. */
export interface ServerHere {
  readonly url: string;
  readonly home: string;
}

/**
 * A command to paste into a shell of this user, which asks the server that was started here and no
 * other.
 */
export function commandHere(
  command: string,
  { url, home }: ServerHere,
  environment: ClientEnvironment,
  store: LoginStore,
): string {
  const folder = environment.home === home ? '' : `MILLRACE_HOME=${quoted(home)} `;
  const server = isAskedWithoutName(environment, store) ? '' : ` --server ${url}`;
  return `${folder}./millrace ${command}${server}`;
}

/** False: commands go to the server of a log-in or a variable unless another one is named. */
function isAskedWithoutName(environment: ClientEnvironment, store: LoginStore): boolean {
  try {
    return resolveUrl({}, environment, store).urlSource === 'local';
  } catch (error) {
    // What the user has set is wrong: the command that is pasted says so.
    if (error instanceof CommandError) return false;
    throw error;
  }
}

/** As one word of a shell. */
export function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
