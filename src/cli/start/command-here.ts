import { tokenFile } from '../../auth/tokens/token-file.js';
import type { ClientEnvironment } from '../../config/client-environment.js';
import { ConfigError } from '../../config/config-error.js';
import type { MillraceConfig } from '../../config/millrace-config.js';
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

/**
 * A line that starts a pipeline by the API; the token is read from its file, so that it stays out
 * of the history.
 */
export function triggerLine(
  { url, home }: ServerHere,
  config: Pick<MillraceConfig, 'authMode' | 'token'>,
  pipelineId: string,
): string {
  const token =
    config.token === undefined ? `$(cat ${quoted(tokenFile(home))})` : '$MILLRACE_TOKEN';
  const header = config.authMode === 'none' ? '' : ` -H "Authorization: Bearer ${token}"`;
  return `curl -X POST${header} ${url}/api/ci/pipelines/${pipelineId}/trigger`;
}

/** False: commands go to the server of a log-in or a variable unless another one is named. */
function isAskedWithoutName(environment: ClientEnvironment, store: LoginStore): boolean {
  try {
    return resolveUrl({}, environment, store).urlSource === 'local';
  } catch (error) {
    // What the user has set is wrong: the command that is pasted says so.
    if (error instanceof CommandError || error instanceof ConfigError) return false;
    throw error;
  }
}

/** As one word of a shell. */
function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
