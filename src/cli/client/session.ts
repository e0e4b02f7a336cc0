import { readClientEnvironment } from '../../config/client-environment.js';
import type { Reader } from '../api/answer-shape.js';
import { ApiClient } from '../api/api-client.js';
import { type Connection, type ConnectionFlags, resolveConnection } from '../api/connection.js';
import { LoginStore } from '../api/login-store.js';
import { exitCodes } from '../command/exit-codes.js';
import { cleanJson } from '../terminal/clean-text.js';
import { Moments } from '../terminal/moments.js';
import type { Terminal } from '../terminal/terminal.js';

/**
 * Of all requests of a command together, milliseconds: with its start and its end it is over in 20
 * s.
 */
export const BUDGET_MS = 15_000;

/** Flags of every command that asks a server. */
export interface ClientFlags extends ConnectionFlags {
  readonly json?: boolean;
}

/** What a command that talks to a server works with. */
export class Session {
  readonly moments = new Moments();

  constructor(
    readonly api: ApiClient,
    readonly terminal: Terminal,
    readonly connection: Pick<Connection, 'url' | 'urlSource'>,
    readonly json: boolean,
  ) {}

  /** @throws CommandError */
  static open(flags: ClientFlags, terminal: Terminal): Session {
    const environment = readClientEnvironment();
    const store = new LoginStore(environment.configFolder);
    const connection = resolveConnection(flags, environment, store);
    const { url, token, tokenSource } = connection;
    return new Session(
      new ApiClient(url, token, { tokenSource, budgetMs: BUDGET_MS }),
      terminal,
      connection,
      flags.json ?? false,
    );
  }

  /** What a GET answers: as the server wrote it, or as people read it. */
  async show<T>(path: string, reader: Reader<T>, render: (value: T) => void): Promise<number> {
    const { value, json } = await this.api.read({ method: 'GET', path }, reader);
    if (this.json) this.printJson(json);
    else render(value);
    return exitCodes.success;
  }

  /** One document, as the server wrote it. */
  printJson(json: string): void {
    this.terminal.printWhole(cleanJson(json.trim()));
  }

  /** A command to paste into a shell, for the same server. */
  commandLine(command: string): string {
    const server = this.connection.urlSource === 'flag' ? ` --server ${this.connection.url}` : '';
    return `./millrace ${command}${server}`;
  }
}
