import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { clientFolderError } from '../../config/paths.js';
import { CommandError } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';

export interface StoredLogin {
  readonly token: string;
  /** Of a personal token that `login --web` made: `logout` revokes it. */
  readonly tokenId?: string;
  /** The user agreed to send it over plain HTTP to another host. */
  readonly insecure?: true;
}

export interface StoredLogins {
  /** The server that commands talk to when nothing else is said. */
  readonly current: string | undefined;
  readonly servers: Readonly<Record<string, StoredLogin>>;
}

const NONE: StoredLogins = { current: undefined, servers: {} };

/** Log-ins of this user: one file of mode 0600 in a folder of mode 0700. */
export class LoginStore {
  readonly file: string;

  constructor(private readonly folder: string) {
    this.file = join(folder, 'logins.json');
  }

  /**
   * @throws CommandError when the file is not what `save` wrote; ConfigError when the folder cannot
   *   be used
   */
  read(): StoredLogins {
    let text: string;
    try {
      text = readFileSync(this.file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return NONE;
      throw clientFolderError(this.folder, error);
    }
    if ((statSync(this.file).mode & 0o077) !== 0) chmodSync(this.file, 0o600);
    return this.parse(text);
  }

  /** Makes this the server of later commands. */
  add(url: string, login: StoredLogin): void {
    const { servers } = this.read();
    this.save({ current: url, servers: { ...servers, [url]: login } });
  }

  /** Forgets the token of one server; false when there was none. */
  remove(url: string): boolean {
    const { current, servers } = this.read();
    const { [url]: removed, ...rest } = servers;
    if (removed === undefined) return false;
    const left = current === url ? Object.keys(rest)[0] : current;
    if (Object.keys(rest).length === 0) rmSync(this.file);
    else this.save({ current: left, servers: rest });
    return true;
  }

  private save(logins: StoredLogins): void {
    try {
      mkdirSync(this.folder, { recursive: true, mode: 0o700 });
      if ((statSync(this.folder).mode & 0o077) !== 0) chmodSync(this.folder, 0o700);
      const draft = `${this.file}.${process.pid}.${randomBytes(4).toString('hex')}`;
      writeFileSync(draft, `${JSON.stringify(logins, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
      renameSync(draft, this.file);
    } catch (error) {
      throw clientFolderError(this.folder, error);
    }
  }

  private parse(text: string): StoredLogins {
    const logins = readJson(text);
    if (isStoredLogins(logins)) return logins;
    throw new CommandError(`${this.file} holds no log-ins.`, exitCodes.usage, [
      'Delete it and log in again: ./millrace login',
    ]);
  }
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Reported by whoever asked for it.
  }
}

function isStoredLogins(value: unknown): value is StoredLogins {
  if (typeof value !== 'object' || value === null) return false;
  const { current, servers } = value as Partial<StoredLogins>;
  if (current !== undefined && typeof current !== 'string') return false;
  if (typeof servers !== 'object' || servers === null) return false;
  return Object.values(servers).every((login) => typeof login?.token === 'string');
}
