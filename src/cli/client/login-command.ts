import { text } from 'node:stream/consumers';
import { valueOf } from '../../common/values/name-record.js';
import { readClientEnvironment } from '../../config/client-environment.js';
import { packageVersion } from '../../config/paths.js';
import { ApiClient } from '../api/api-client.js';
import { isSendable, localToken, refuseReadable, resolveUrl } from '../api/connection.js';
import { LoginStore } from '../api/login-store.js';
import { isOtherRelease } from '../api/server-release.js';
import { parseServerUrl } from '../api/server-url.js';
import { health, page, pipelineSummary } from '../api/wire-readers.js';
import { CommandError } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';
import type { Terminal } from '../terminal/terminal.js';
import { askSecret } from './secret-prompt.js';
import { BUDGET_MS } from './session.js';
import { revokeToken, type WebLogin, webLogin } from './web-login.js';

const OVER: ReadonlySet<number> = new Set([exitCodes.auth, exitCodes.notFound]);

export interface LoginFlags {
  readonly token?: string;
  readonly tokenStdin?: boolean;
  readonly insecure?: boolean;
  /** Log in in the browser, at the forge of this name if one is named. */
  readonly web?: boolean | string;
}

/** Checks a token against a server, or has one made in the browser, and keeps it. */
export async function loginCommand(
  server: string | undefined,
  flags: LoginFlags,
  terminal: Terminal,
): Promise<number> {
  const environment = readClientEnvironment();
  const store = new LoginStore(environment.configFolder);
  const { url } = resolveUrl({ server }, environment, store);
  refuseReadable(url, flags.insecure ?? false);
  const made = await webToken(url, flags, terminal);
  const token = cleanToken(
    made?.token ??
      (await givenToken(flags)) ??
      environment.token ??
      localToken(environment, url) ??
      (await askSecret(`Token for ${url}: `)),
  );
  const version = await check(url, token);
  store.add(url, {
    token,
    ...(made !== undefined && { tokenId: made.tokenId }),
    ...(flags.insecure ? { insecure: true } : {}),
  });
  const as = made === undefined ? '' : ` as ${made.name}`;
  terminal.print(`Logged in to ${url}${as} (Millrace ${version}).`);
  terminal.print(`The token is kept in ${store.file}, for you only.`);
  if (isOtherRelease(version, packageVersion())) {
    terminal.say(
      `This is Millrace ${packageVersion()}: what the two do not both know will not work. Use the same release.`,
    );
  }
  return exitCodes.success;
}

/**
 * Forgets the token of a server, that of the current one when none is named; one that `login --web`
 * made is revoked first. @throws CommandError
 */
export async function logoutCommand(
  server: string | undefined,
  terminal: Terminal,
): Promise<number> {
  const store = new LoginStore(readClientEnvironment().configFolder);
  const url = server === undefined ? store.read().current : parseServerUrl(server);
  const stored = url === undefined ? undefined : valueOf(store.read().servers, url);
  if (url !== undefined && stored?.tokenId !== undefined) {
    await revokeToken(url, stored.token, stored.tokenId).catch(unlessOver);
    store.remove(url);
    terminal.print(`The token of ${url} is revoked and forgotten.`);
    return exitCodes.success;
  }
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

async function webToken(
  url: string,
  { web, token, tokenStdin }: LoginFlags,
  terminal: Terminal,
): Promise<WebLogin | undefined> {
  if (web === undefined || web === false) return undefined;
  if (token !== undefined || tokenStdin) {
    throw new CommandError('--web and a token exclude each other.', exitCodes.usage);
  }
  return webLogin(url, web === true ? undefined : web, terminal);
}

/** A token that the server does not know any more needs no end. */
function unlessOver(error: unknown): void {
  if (error instanceof CommandError && OVER.has(error.exitCode)) return;
  throw error;
}

async function givenToken(flags: LoginFlags): Promise<string | undefined> {
  if (flags.token !== undefined && flags.tokenStdin) {
    throw new CommandError('--token and --token-stdin exclude each other.', exitCodes.usage);
  }
  return flags.tokenStdin ? text(process.stdin) : flags.token;
}

function cleanToken(token: string): string {
  const trimmed = token.trim();
  if (isSendable(trimmed)) return trimmed;
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
