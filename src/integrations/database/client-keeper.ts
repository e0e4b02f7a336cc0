import { Logger } from '@nestjs/common';
import { settledWithin } from '../../common/async/within.js';
import { CallWatch } from './call-watch.js';
import { GuardedClient } from './guarded-client.js';

export interface ClientOptions {
  readonly uri: string;
  readonly databaseName: string;
  readonly poolSize: number;
  /**
   * Called for every failure to connect, to hear of a server, and to get a connection for a call.
   */
  readonly onError?: (code: DatabaseFailure) => void;
}

export type DatabaseFailure = 'connect_failed' | 'heartbeat_failed' | 'checkout_failed';

/** How long a call looks for a server before it fails: an API request then answers 503. */
const SERVER_SELECTION_MS = 3_000;
/**
 * How long a call waits for an answer on an open connection: a hung server is then treated as one
 * that is away.
 */
const SOCKET_TIMEOUT_MS = 10_000;
/**
 * How long a new connection, the monitor's too, may take until it stands: a hung server accepts it
 * and says nothing.
 */
const CONNECT_TIMEOUT_MS = 5_000;
/**
 * How long a call waits for a free connection; less than a request has, so that it is told what it
 * waited for.
 */
const WAIT_QUEUE_MS = 3_000;

/** A client without an answer for so long is compared with a new one. */
const FAILING_MS = 5_000;
const CHECK_MS = 1_000;
/**
 * How long a new client may take to its first answer; the driver's own limits may be lost in it as
 * in any other.
 */
const FIRST_ANSWER_MS = 6_000;
/** Calls of a client that was replaced have so long to end by themselves. */
const RETIRE_MS = 15_000;
const CLOSE_MS = 2_000;

/**
 * Keeps a client in place that answers. The driver looks for a lost server by itself, but
 * connections, and attempts to make one, can be lost to it for ever (see `CallWatch`). So a client
 * in which calls did not settle, or which has had no answer for a while, is replaced as soon as a
 * new one gets an answer.
 */
export class ClientKeeper {
  private readonly logger = new Logger('Database');
  private client: GuardedClient | undefined;
  private readonly retired = new Map<GuardedClient, NodeJS.Timeout>();
  private replacing = false;
  private closed = false;
  private timer: NodeJS.Timeout | undefined;

  /** @param place puts a client, which has just had an answer, where all calls go from now on */
  constructor(
    private readonly options: ClientOptions,
    private readonly place: (client: GuardedClient) => void,
  ) {}

  /** @throws what prevents the connection */
  async connect(): Promise<void> {
    this.adopt(await this.newClient());
    this.timer ??= setInterval(() => void this.check(), CHECK_MS).unref();
  }

  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.timer);
    for (const timer of this.retired.values()) clearTimeout(timer);
    const clients = [...this.retired.keys(), ...(this.client ? [this.client] : [])];
    await Promise.all(clients.map((client) => closeInTime(client)));
  }

  private async check(): Promise<void> {
    const before = this.client;
    if (before === undefined || this.replacing || !isSuspect(before.calls)) return;
    this.replacing = true;
    try {
      const begun = performance.now();
      const next = await this.newClient();
      const isBack = before.calls.unsettled === 0 && before.calls.answeredSince(begun);
      if (this.closed || isBack) await closeInTime(next);
      else this.replace(before, next);
    } catch (error) {
      // It is the database that is away, not the client that is broken.
      this.logger.debug({ err: error }, 'no other client gets an answer either');
    } finally {
      this.replacing = false;
    }
  }

  private replace(before: GuardedClient, next: GuardedClient): void {
    const { unsettled, failingMs } = before.calls;
    this.logger.warn({ unsettled, failingMs }, 'the client of the database is replaced');
    this.adopt(next);
    const retire = (): void => {
      this.retired.delete(before);
      void closeInTime(before);
    };
    this.retired.set(before, setTimeout(retire, RETIRE_MS).unref());
  }

  private adopt(client: GuardedClient): void {
    const before = this.client;
    this.client = client;
    const { onError } = this.options;
    before?.removeAllListeners();
    this.place(client);
    if (!onError) return;
    client.on('serverHeartbeatFailed', () => onError('heartbeat_failed'));
    client.on('connectionCheckOutFailed', () => onError('checkout_failed'));
  }

  /** A client that has had an answer. */
  private async newClient(): Promise<GuardedClient> {
    const { uri, databaseName, poolSize } = this.options;
    const watch = new CallWatch();
    const options = {
      dbName: databaseName,
      maxPoolSize: poolSize,
      serverSelectionTimeoutMS: SERVER_SELECTION_MS,
      connectTimeoutMS: CONNECT_TIMEOUT_MS,
      waitQueueTimeoutMS: WAIT_QUEUE_MS,
      socketTimeoutMS: SOCKET_TIMEOUT_MS,
      retryWrites: false,
      appName: 'millrace',
    };
    const client = new GuardedClient(uri, options, watch);
    client.setMaxListeners(0);
    try {
      await watch.run(async () => {
        await client.connect();
        await client.db().command({ ping: 1 });
      }, FIRST_ANSWER_MS);
      return client;
    } catch (error) {
      void closeInTime(client);
      throw error;
    }
  }
}

function isSuspect(watch: CallWatch): boolean {
  return watch.unsettled > 0 || watch.failingMs > FAILING_MS;
}

/** Closing asks the server to forget sessions, on a connection that may be lost as well. */
async function closeInTime(client: GuardedClient): Promise<void> {
  // What a client says that is not used any more changes nothing.
  await settledWithin(CLOSE_MS, [client.close(true)]);
}
