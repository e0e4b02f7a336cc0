import { connect, type Socket } from 'node:net';
import ssh2, {
  type Client,
  type ClientChannel,
  type ConnectConfig,
  type PublicKeyAuthMethod,
} from 'ssh2';
import { type AddressPolicy, AddressRefusedError } from '../../common/net/address-policy.js';
import { checkedAddresses, type ResolveHost } from '../../common/net/checked-addresses.js';
import { messageOf } from '../../common/values/error-message.js';
import { fingerprintOf, type HostKey, KnownHosts, nameOf } from './known-hosts.js';
import {
  SshClient,
  type SshCommand,
  SshError,
  type SshExit,
  type SshLogin,
  type SshSession,
} from './ssh-client.js';

const MAX_OUTPUT_BYTES = 2 ** 20;
const MAX_ERROR_BYTES = 16_384;
/** Signatures by which a host proves a key of this type; SHA-1 is none. */
const RSA = ['rsa-sha2-512', 'rsa-sha2-256'] as const;

export interface SshLimits {
  /** To the connection of TCP, ms. */
  readonly connectMs: number;
  /** From there to being logged in, ms. */
  readonly loginMs: number;
  /** Between two questions whether the other side is there; three without an answer: lost. */
  readonly keepAliveMs: number;
}

const LIMITS: SshLimits = { connectMs: 10_000, loginMs: 20_000, keepAliveMs: 10_000 };

/** Adapter of `SshClient`: the package `ssh2`, and no program. */
export class Ssh2Client extends SshClient {
  constructor(
    private readonly policy: AddressPolicy,
    private readonly limits: SshLimits = LIMITS,
    private readonly resolve?: ResolveHost,
  ) {
    super();
  }

  async connect(login: SshLogin, signal: AbortSignal): Promise<SshSession> {
    const key = usableKey(login.key);
    const known = new KnownHosts(login.knownHosts).keysOf(login.host, login.port);
    if (known.length === 0) throw unknownHost(login, 'known_hosts has no key of it');
    signal.throwIfAborted();
    const socket = await this.dial(login, signal);
    return this.logIn(socket, { login: { ...login, key }, known }, signal);
  }

  /** Dials what was checked, and not the name once more. */
  private async dial({ host, port }: SshLogin, signal: AbortSignal): Promise<Socket> {
    const addresses = await checkedAddresses(this.policy, host, this.resolve).catch(
      (error: unknown) => {
        if (error instanceof AddressRefusedError) {
          throw new SshError('ssh_address_refused', error.message);
        }
        throw new SshError('ssh_unreachable', `${host} is not found: ${messageOf(error)}`);
      },
    );
    let failure = '';
    for (const { address } of addresses) {
      try {
        return await dialled(address, port, this.limits.connectMs, signal);
      } catch (error) {
        signal.throwIfAborted();
        failure = messageOf(error);
      }
    }
    throw new SshError('ssh_unreachable', `${nameOf(host, port)} cannot be reached: ${failure}`);
  }

  private logIn(
    socket: Socket,
    { login, known }: { readonly login: SshLogin; readonly known: readonly HostKey[] },
    signal: AbortSignal,
  ): Promise<SshSession> {
    const { user: username } = login;
    const { loginMs, keepAliveMs } = this.limits;
    const client = new ssh2.Client();
    let refusal: SshError | undefined;
    const method: PublicKeyAuthMethod = { type: 'publickey', username, key: login.key };
    const config: ConnectConfig = {
      ...{ sock: socket, username, readyTimeout: loginMs },
      ...{ keepaliveInterval: keepAliveMs, keepaliveCountMax: 3 },
      // Only this key: no password, no agent, no other key of the user.
      authHandler: [method],
      algorithms: { serverHostKey: proofsOf(known) },
      hostVerifier: (shown: Buffer): boolean => {
        if (known.some(({ bytes }) => bytes.equals(shown))) return true;
        refusal = changedKey(login, shown);
        return false;
      },
    };
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => {
        signal.removeEventListener('abort', abort);
        reject(error);
        client.destroy();
        socket.destroy();
      };
      const abort = (): void => fail(signal.reason as Error);
      signal.addEventListener('abort', abort, { once: true });
      client.once('ready', () => {
        signal.removeEventListener('abort', abort);
        resolve(new Ssh2Session(client, nameOf(login.host, login.port)));
      });
      // It stays: an error that nobody listens for would end the process.
      client.on('error', (error) => fail(refusal ?? loginError(login, error)));
      client.once('close', () =>
        fail(refusal ?? lost(nameOf(login.host, login.port), 'it closed the connection')),
      );
      client.connect(config);
    });
  }
}

class Ssh2Session implements SshSession {
  private isClosed = false;

  constructor(
    private readonly client: Client,
    private readonly name: string,
  ) {
    client.once('close', () => (this.isClosed = true));
  }

  run(command: SshCommand, signal: AbortSignal): Promise<SshExit> {
    const { input, timeoutMs } = command;
    const { client, name } = this;
    return new Promise<SshExit>((resolve, reject) => {
      const abort = (): void => failed(signal.reason as Error);
      const closed = (): void => failed(lost(name, 'the connection was closed'));
      const late = (): void =>
        failed(new SshError('ssh_timeout', `${name} has not done it within ${timeoutMs / 1000} s`));
      const settle = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', abort);
        client.removeListener('close', closed);
        input?.destroy();
      };
      const done = (exit: SshExit): void => {
        settle();
        resolve(exit);
      };
      const failed = (error: Error): void => {
        settle();
        reject(error);
        this.close();
      };
      const timer = setTimeout(late, timeoutMs);
      signal.addEventListener('abort', abort, { once: true });
      // Also after the end: an error that nobody listens for would end the process.
      input?.on('error', failed);
      client.once('close', closed);
      if (signal.aborted) return abort();
      if (this.isClosed) return closed();
      try {
        client.exec(command.text, (error, channel) => {
          if (error) {
            const message = `${name} runs no commands for this user: ${error.message}`;
            return failed(new SshError('remote_shell_missing', message));
          }
          follow(channel, command, name, done, failed);
        });
      } catch (error) {
        // The connection has ended, and `close` is not heard yet.
        failed(lost(name, messageOf(error)));
      }
    });
  }

  close(): void {
    this.isClosed = true;
    this.client.destroy();
  }
}

function follow(
  channel: ClientChannel,
  { input, maxBytes = MAX_OUTPUT_BYTES }: SshCommand,
  name: string,
  done: (exit: SshExit) => void,
  failed: (error: Error) => void,
): void {
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  let [outputBytes, errorBytes] = [0, 0];
  let exit: { readonly code: number | undefined } | undefined;
  channel.on('data', (bytes: Buffer) => {
    outputBytes += bytes.length;
    if (outputBytes <= maxBytes) output.push(bytes);
    else failed(lost(name, `it has said more than ${maxBytes} bytes`));
  });
  channel.stderr.on('data', (bytes: Buffer) => {
    if (errorBytes < MAX_ERROR_BYTES) errors.push(bytes.subarray(0, MAX_ERROR_BYTES - errorBytes));
    errorBytes += bytes.length;
  });
  channel.on('exit', (code: number | null) => (exit = { code: code ?? undefined }));
  channel.on('error', (error: Error) => failed(lost(name, error.message)));
  channel.on('close', () => {
    if (exit === undefined) return failed(lost(name, 'a command has ended without a word'));
    done({ ...exit, output: Buffer.concat(output), errors: Buffer.concat(errors).toString() });
  });
  if (input === undefined) channel.end();
  else input.pipe(channel);
}

function dialled(host: string, port: number, ms: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true });
    const abort = (): void => void socket.destroy(signal.reason as Error);
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    };
    const timer = setTimeout(() => socket.destroy(new Error(`no answer in ${ms} ms`)), ms);
    signal.addEventListener('abort', abort, { once: true });
    socket.once('error', (error) => {
      settle();
      reject(error);
    });
    socket.once('connect', () => {
      settle();
      resolve(socket);
    });
  });
}

/** The key without what files and forms add to keys. */
function usableKey(written: string): string {
  const text = `${written.replaceAll('\r', '').trim()}\n`;
  const key = ssh2.utils.parseKey(text);
  if (key instanceof Error) {
    const message = `the key is no private key that can be used: ${key.message}. Write it into the secret whole, without a passphrase`;
    throw new SshError('ssh_key_invalid', message);
  }
  if (!key.isPrivateKey()) {
    throw new SshError('ssh_key_invalid', 'the key is a public key: the private one is needed');
  }
  return text;
}

type HostKeyProof = NonNullable<NonNullable<ConnectConfig['algorithms']>['serverHostKey']>;

function proofsOf(known: readonly HostKey[]): HostKeyProof {
  const types = known.flatMap(({ type }) => (type === 'ssh-rsa' ? [...RSA] : [type]));
  return [...new Set(types)] as unknown as HostKeyProof;
}

function unknownHost({ host, port }: SshLogin, why: string): SshError {
  const scan = `ssh-keyscan ${port === 22 ? '' : `-p ${port} `}${host}`;
  return new SshError(
    'ssh_host_key_unknown',
    `${nameOf(host, port)} is not known: ${why}. Put the line that ${scan} prints, once checked, into known_hosts`,
  );
}

function changedKey({ host, port }: SshLogin, shown: Buffer): SshError {
  return new SshError(
    'ssh_host_key_changed',
    `${nameOf(host, port)} shows another key than known_hosts has: ${fingerprintOf(shown)}. Somebody may stand in between. Only when the host was given a new key, put that into known_hosts`,
  );
}

function lost(name: string, why: string): SshError {
  return new SshError('ssh_lost', `the connection to ${name} was lost: ${why}`);
}

function loginError(login: SshLogin, error: Error & { readonly level?: string }): SshError {
  const { host, port, user } = login;
  const name = nameOf(host, port);
  const { level, message } = error;
  if (level === 'client-authentication') {
    return new SshError(
      'ssh_key_refused',
      `${name} does not let ${user} in with this key: put its public key into authorized_keys of ${user}`,
    );
  }
  if (/no matching host key/i.test(message)) {
    return unknownHost(login, 'it has no key of a type that known_hosts has');
  }
  if (level === 'client-timeout') {
    return new SshError('ssh_unreachable', `${name} has not let anybody in in time: ${message}`);
  }
  return lost(name, message);
}
