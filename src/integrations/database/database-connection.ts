import { Logger } from '@nestjs/common';
import mongoose, { type Connection } from 'mongoose';
import { setTimeout as sleep } from 'node:timers/promises';
import { within } from '../../common/async/within.js';
import { ClientKeeper, type ClientOptions } from './client-keeper.js';
import type { GuardedClient } from './guarded-client.js';

export type DatabaseOptions = ClientOptions;

const RECONNECT_DELAY_MS = 500;
const CLOSE_MS = 5_000;

/**
 * A Mongoose connection that a process can start without: the first connect is tried until it
 * succeeds (Mongoose itself gives up after one), later ones are the driver's, or the
 * `ClientKeeper`'s: it puts another client beneath this connection, and the models stay. Commands
 * are never buffered: while the database is away they fail, and `isDatabaseUnavailable` says so.
 */
export class DatabaseConnection {
  readonly connection: Connection;
  private readonly logger = new Logger('Database');
  private readonly keeper: ClientKeeper;
  private closing = false;
  private reached: Promise<void> | undefined;
  private opened: Promise<void> | undefined;

  constructor(private readonly options: DatabaseOptions) {
    this.connection = mongoose.createConnection();
    // Before the first connect `set` would write to the options, where nobody reads these.
    const behaviour = { bufferCommands: false, autoIndex: false, autoCreate: false };
    Object.assign(this.connection.config as Record<string, unknown>, behaviour);
    this.connection.on('error', (error: Error) => this.logger.warn({ err: error }, 'connection'));
    this.keeper = new ClientKeeper(options, (client) => this.place(client));
  }

  /**
   * Resolves once the first connection stands and every index of the registered models was made.
   */
  open(): Promise<void> {
    this.opened ??= this.openWhole();
    return this.opened;
  }

  /**
   * Resolves once the first connection stands, at which calls can be made; no index is made. For
   * who needs something of the database before all models are registered.
   */
  reach(): Promise<void> {
    this.reached ??= this.untilItWorks(() => this.keeper.connect());
    return this.reached;
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
    await this.keeper.close();
    await within(CLOSE_MS, this.connection.close(), () => undefined);
  }

  private async openWhole(): Promise<void> {
    await this.reach();
    await this.untilItWorks(() => this.createIndexes());
  }

  private async untilItWorks(work: () => Promise<void>): Promise<void> {
    for (let attempt = 1; !this.closing; attempt++) {
      try {
        await work();
        return;
      } catch (error) {
        if (this.closing) return;
        this.options.onError?.('connect_failed');
        this.logger.warn({ err: error, attempt }, 'database not reached yet, trying again');
        await sleep(RECONNECT_DELAY_MS);
      }
    }
  }

  /**
   * Mongoose takes a client only while it has none that is connected, and binds all collections to
   * it again.
   */
  private place(client: GuardedClient): void {
    const state = this.connection as { readyState: mongoose.ConnectionStates };
    state.readyState = mongoose.ConnectionStates.disconnected;
    this.connection.setClient(client);
  }

  /** Idempotent; several processes may do it at once. */
  private async createIndexes(): Promise<void> {
    await Promise.all(Object.values(this.connection.models).map((model) => model.createIndexes()));
  }
}
