import type { Readable } from 'node:stream';

export const SSH_ERROR_CODES = [
  'ssh_unreachable',
  'ssh_address_refused',
  'ssh_key_invalid',
  'ssh_key_refused',
  'ssh_host_key_unknown',
  'ssh_host_key_changed',
  'ssh_lost',
  'ssh_timeout',
  'remote_shell_missing',
] as const;
export type SshErrorCode = (typeof SSH_ERROR_CODES)[number];

/** A host cannot be used. The message holds no secret, and says what to do. */
export class SshError extends Error {
  constructor(
    readonly code: SshErrorCode,
    message: string,
  ) {
    super(message);
    this.name = 'SshError';
  }
}

export interface SshLogin {
  /** A name or an address; of IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Private key, in a format of OpenSSH or PEM, without a passphrase. */
  readonly key: string;
  /** Lines of `known_hosts`: the only hosts that are trusted. */
  readonly knownHosts: string;
}

export interface SshCommand {
  /** For the user's shell. Texts of others are in it by `posixWord` only. */
  readonly text: string;
  /** Without it the standard input is empty. */
  readonly input?: Readable;
  /** From its start to its end. */
  readonly timeoutMs: number;
  /** Of standard output; what has more is ended. 1 MiB without it. */
  readonly maxBytes?: number;
}

export interface SshExit {
  /** Undefined: it was ended by a signal. */
  readonly code: number | undefined;
  readonly output: Buffer;
  /** At most 16 KiB. */
  readonly errors: string;
}

/** One connection. */
export interface SshSession {
  /**
   * Runs a command. When it does not end by itself the connection is closed, and with it the input
   * of the command: what it has done until then is done.
   *
   * @throws SshError `ssh_lost`, `ssh_timeout`, `remote_shell_missing`; the reason of the signal;
   *   an error of the input
   */
  run(command: SshCommand, signal: AbortSignal): Promise<SshExit>;
  /** Idempotent. */
  close(): void;
}

/** Port: commands on other hosts. No sftp is needed. */
export abstract class SshClient {
  /**
   * Logs in, by key only; the host's own key is checked first, and nothing is trusted because it
   * was not seen before.
   *
   * @throws SshError; the reason of the signal
   */
  abstract connect(login: SshLogin, signal: AbortSignal): Promise<SshSession>;
}
