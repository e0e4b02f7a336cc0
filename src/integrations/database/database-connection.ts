import { Logger } from '@nestjs/common';
import mongoose, { type Connection } from 'mongoose';
import { setTimeout as sleep } from 'node:timers/promises';

export interface DatabaseOptions {
  readonly uri: string;
  readonly databaseName: string;
  readonly poolSize: number;
  /** Told of every failure to connect, to hear of a server, and to get a connection for a call. */
  readonly onError?: (code: DatabaseFailure) => void;
}

export type DatabaseFailure = 'connect_failed' | 'heartbeat_failed' | 'checkout_failed';

/** How long a call looks for a server before it fails: an API request then answers 503. */
const SERVER_SELECTION_MS = 3_000;
/** How long a call waits for an answer on an open connection: a hung server is then treated as one that is away. */
const SOCKET_TIMEOUT_MS = 10_000;
/** How long a new connection, the monitor's too, may take until it stands: a hung server accepts it and says nothing. */
const CONNECT_TIMEOUT_MS = 5_000;
/** How long a call waits for a free connection. */
const WAIT_QUEUE_MS = 5_000;
const RECONNECT_DELAY_MS = 500;

/**
 * A Mongoose connection that a process can start without: the first connect is tried until it succeeds (Mongoose
 * itself gives up after one), later ones are the driver's. Commands are never buffered: while the database is
 * away they fail, and `isDatabaseUnavailable` says so.
 */
export class DatabaseConnection {
  readonly connection: Connection;
  private readonly logger = new Logger('Database');
  private closing = false;
  private connected: Promise<void> | undefined;

  constructor(private readonly options: DatabaseOptions) {
    this.connection = mongoose.createConnection();
    // Before the first connect `set` would write to the options, where nobody reads these.
    const behaviour = { bufferCommands: false, autoIndex: false, autoCreate: false };
    Object.assign(this.connection.config as Record<string, unknown>, behaviour);
    this.connection.on('error', (error: Error) => this.logger.warn({ err: error }, 'connection'));
  }

  /** Resolves once the first connection stands and every index of the registered models was made. */
  open(): Promise<void> {
    this.connected ??= this.connectUntilItStands();
    return this.connected;
  }

  /** Round trip to the server; rejects when it is away. */
  async ping(): Promise<void> {
    if (this.connection.readyState !== mongoose.ConnectionStates.connected || !this.connection.db) {
      throw Object.assign(new Error('not connected'), { name: 'MongoNotConnectedError' });
    }
    await this.connection.db.command({ ping: 1 });
  }

  async close(): Promise<void> {
    this.closing = true;
    await this.connection.close();
  }

  private async connectUntilItStands(): Promise<void> {
    for (let attempt = 1; !this.closing; attempt++) {
      try {
        await this.connection.openUri(this.options.uri, {
          dbName: this.options.databaseName,
          maxPoolSize: this.options.poolSize,
          serverSelectionTimeoutMS: SERVER_SELECTION_MS,
          connectTimeoutMS: CONNECT_TIMEOUT_MS,
          waitQueueTimeoutMS: WAIT_QUEUE_MS,
          socketTimeoutMS: SOCKET_TIMEOUT_MS,
          retryWrites: false,
          appName: 'millrace',
        });
        this.watchClient();
        await this.createIndexes();
        return;
      } catch (error) {
        if (this.closing) return;
        this.options.onError?.('connect_failed');
        this.logger.warn({ err: error, attempt }, 'database not reached yet, trying again');
        await sleep(RECONNECT_DELAY_MS);
      }
    }
  }

  private watchClient(): void {
    const { onError } = this.options;
    if (!onError) return;
    const client = this.connection.getClient();
    client.on('serverHeartbeatFailed', () => onError('heartbeat_failed'));
    client.on('connectionCheckOutFailed', () => onError('checkout_failed'));
  }

  /** Idempotent; several processes may do it at once. */
  private async createIndexes(): Promise<void> {
    await Promise.all(Object.values(this.connection.models).map((model) => model.createIndexes()));
  }
}
