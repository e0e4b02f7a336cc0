import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { readEnvironment } from '../../config/environment.js';
import { ApiClient } from '../api/api-client.js';
import { logIns, madeToken, me, sessionTokens } from '../api/wire-readers.js';
import { CommandError } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';
import type { Terminal } from '../terminal/terminal.js';
import { BUDGET_MS } from './session.js';

/** A log-in in the browser may take as long as this. */
const WAIT_MS = 5 * 60_000;
const TOKEN_DAYS = 90;
/** `xdg-open` of every desktop; `BROWSER` goes before it. */
const OPENERS: Readonly<Partial<Record<NodeJS.Platform, string>>> = { darwin: 'open' };

export interface WebLogin {
  /** A personal token of whoever logged in. */
  readonly token: string;
  readonly tokenId: string;
  readonly name: string;
}

/**
 * Has somebody log in in the browser, and makes a personal token of it: the browser brings a code
 * to a port of this machine, which only this process can exchange.
 * @param forge default: the only one that there is
 * @throws CommandError
 */
export async function webLogin(
  url: string,
  forge: string | undefined,
  terminal: Terminal,
): Promise<WebLogin> {
  const api = new ApiClient(url, undefined, { budgetMs: BUDGET_MS });
  const provider = chosen((await api.get('/api/sessions/oauth', logIns)).providers, forge);
  const verifier = randomBytes(32).toString('base64url');
  const state = randomBytes(16).toString('base64url');
  const waiting = await CodeReceiver.listen(state);
  try {
    const query = new URLSearchParams({
      cli_port: String(waiting.port),
      cli_state: state,
      cli_challenge: createHash('sha256').update(verifier).digest('base64url'),
    });
    const address = `${url}/api/sessions/oauth/${provider}?${query.toString()}`;
    terminal.say(`Log in in your browser: ${address}`);
    openBrowser(address);
    const code = await waiting.code;
    const body = { code, verifier };
    const request = { method: 'POST', path: '/api/sessions/token', body };
    const { value } = await api.read(request, sessionTokens);
    return await tokenOf(new ApiClient(url, value.access_token, { budgetMs: BUDGET_MS }));
  } finally {
    waiting.close();
  }
}

/** Ends a token at its server. @throws CommandError */
export async function revokeToken(url: string, token: string, tokenId: string): Promise<void> {
  const api = new ApiClient(url, token, { budgetMs: BUDGET_MS });
  await api.text({ method: 'DELETE', path: `/api/tokens/${encodeURIComponent(tokenId)}` });
}

/** The session is exchanged for a token, which needs no refresh, and ends. */
async function tokenOf(api: ApiClient): Promise<WebLogin> {
  const { name, scopes } = await api.get('/api/sessions/me', me);
  const body = {
    name: `command line on ${hostname().slice(0, 64)}`,
    scopes,
    expires_in_days: TOKEN_DAYS,
  };
  const { value } = await api.read({ method: 'POST', path: '/api/tokens', body }, madeToken);
  await api.text({ method: 'POST', path: '/api/sessions/logout' });
  return { token: value.token, tokenId: value.id, name: name ?? '' };
}

function chosen(providers: readonly string[], forge: string | undefined): string {
  const [only] = providers;
  if (only === undefined) {
    throw new CommandError('Nobody logs in at this server.', exitCodes.usage, [
      'Give its token: ./millrace login URL --token-stdin <token-file',
    ]);
  }
  if (forge === undefined && providers.length === 1) return only;
  if (forge !== undefined && providers.includes(forge)) return forge;
  const ways = providers.map((each) => `--web ${each}`).join(' or ');
  throw new CommandError('It is not said where to log in.', exitCodes.usage, [`Add ${ways}.`]);
}

/** Whether one opened nobody can tell: the address was printed too. */
function openBrowser(address: string): void {
  const program = readEnvironment()['BROWSER'] || OPENERS[process.platform] || 'xdg-open';
  const child = spawn(program, [address], { stdio: 'ignore', detached: true });
  child.on('error', () => undefined);
  child.unref();
}

/** Waits on a loopback address for the code that the browser brings. */
class CodeReceiver {
  readonly code: Promise<string>;

  private constructor(
    private readonly server: Server,
    state: string,
  ) {
    this.code = new Promise<string>((resolve, reject) => {
      const timer = setTimeout(() => reject(nobodyCame()), WAIT_MS);
      server.on('close', () => clearTimeout(timer));
      server.on('request', (request, response) => {
        const { searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1');
        const code = searchParams.get('code');
        const isOurs = code !== null && searchParams.get('state') === state;
        const text = isOurs
          ? 'You are logged in. Go back to the command line.'
          : 'This is not the log-in that the command line waits for.';
        response.writeHead(isOurs ? 200 : 400, {
          'Content-Type': 'text/plain',
          'Referrer-Policy': 'no-referrer',
          Connection: 'close',
        });
        response.end(`${text}\n`, () => {
          if (isOurs) resolve(code);
        });
      });
    });
    // For whoever waits; before that nobody does.
    this.code.catch(() => undefined);
  }

  static async listen(state: string): Promise<CodeReceiver> {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    return new CodeReceiver(server, state);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}

function nobodyCame(): CommandError {
  return new CommandError('Nobody has logged in within five minutes.', exitCodes.failed, [
    'Begin again: ./millrace login --web',
  ]);
}
