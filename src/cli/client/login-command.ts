import { text } from 'node:stream/consumers';
import { readClientEnvironment } from '../../config/client-environment.js';
import { packageVersion } from '../../config/paths.js';
import { ApiClient } from '../api/api-client.js';
import { localToken, refuseReadable, resolveUrl } from '../api/connection.js';
import { LoginStore } from '../api/login-store.js';
import { isOtherRelease } from '../api/server-release.js';
import { parseServerUrl } from '../api/server-url.js';
import { health, page, pipelineSummary } from '../api/wire-readers.js';
import { CommandError } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';
import type { Terminal } from '../terminal/terminal.js';
import { askSecret } from './secret-prompt.js';
import { BUDGET_MS } from './session.js';

export interface LoginFlags {
  readonly token?: string;
  readonly tokenStdin?: boolean;
  readonly insecure?: boolean;
}

/** Checks a token against a server and keeps it for later commands. */
export async function loginCommand(
  server: string | undefined,
  flags: LoginFlags,
  terminal: Terminal,
): Promise<number> {
  const environment = readClientEnvironment();
  const store = new LoginStore(environment.configFolder);
  const { url } = resolveUrl({ server }, environment, store);
  refuseReadable(url, flags.insecure ?? false);
  const token = cleanToken(
    (await givenToken(flags)) ??
      environment.token ??
      localToken(environment, url) ??
      (await askSecret(`Token for ${url}: `)),
  );
  const version = await check(url, token);
  store.add(url, { token, ...(flags.insecure ? { insecure: true } : {}) });
  terminal.print(`Logged in to ${url} (Millrace ${version}).`);
  terminal.print(`The token is kept in ${store.file}, for you only.`);
  if (isOtherRelease(version, packageVersion())) {
    terminal.say(
      `This is Millrace ${packageVersion()}: what the two do not both know will not work. Use the same release.`,
    );
  }
  return exitCodes.success;
}

/** Forgets the token of a server; that of the current one when none is named. */
export function logoutCommand(server: string | undefined, terminal: Terminal): number {
  const store = new LoginStore(readClientEnvironment().configFolder);
  const url = server === undefined ? store.read().current : parseServerUrl(server);
  if (url === undefined || !store.remove(url)) {
    throw new CommandError(
      url === undefined ? 'You are not logged in.' : `You are not logged in to ${url}.`,
      exitCodes.notFound,
      ['Log in: ./millrace login URL'],
    );
  }
  terminal.print(`The token of ${url} is forgotten here. On the server it is valid as before.`);
  return exitCodes.success;
}

async function givenToken(flags: LoginFlags): Promise<string | undefined> {
  if (flags.token !== undefined && flags.tokenStdin) {
    throw new CommandError('--token and --token-stdin exclude each other.', exitCodes.usage);
  }
  return flags.tokenStdin ? text(process.stdin) : flags.token;
}

function cleanToken(token: string): string {
  const trimmed = token.trim();
  if (/^[\u0021-\u007e]+$/.test(trimmed)) return trimmed;
  throw new CommandError(
    trimmed === '' ? 'No token was given.' : 'A token has no spaces and only ASCII characters.',
    exitCodes.usage,
    ['Give it by --token-stdin: ./millrace login URL --token-stdin <token-file'],
  );
}

/** The version of the server, when it takes the token. @throws CommandError */
async function check(url: string, token: string): Promise<string> {
  const api = new ApiClient(url, token, { budgetMs: BUDGET_MS });
  await api.get('/api/ci/pipelines?limit=1', page(pipelineSummary, 1));
  const { version } = await api.get('/api/healthchecker', health);
  return version ?? 'of an unknown version';
}
