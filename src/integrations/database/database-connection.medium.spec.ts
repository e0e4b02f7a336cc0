import { Logger } from '@nestjs/common';
import mongoose from 'mongoose';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { eventually } from '../../../test/support/eventually.js';
import { testServices } from '../../../test/support/services.js';
import { DatabaseConnection } from './database-connection.js';
import { isDatabaseUnavailable } from './database-errors.js';
import { withRequestPatience } from './database-patience.js';

const POOL = 2;
/** The driver makes so many connections at once. */
const ATTEMPTS = 2;

beforeAll(() => {
  Logger.overrideLogger(false);
});

describe('DatabaseConnection', () => {
  const { mongodbUri, databaseName } = testServices();
  const database = new DatabaseConnection({ uri: mongodbUri, databaseName, poolSize: POOL });
  const schema = new mongoose.Schema({ _id: String, n: Number }, { versionKey: false });
  schema.index({ n: 1 });
  const things = database.connection.model('Thing', schema, 'things');
  const sockets = new Set<Socket>();
  let isOfPool = false;

  /**
   * What the pool connects next is destroyed when it stands, before the driver's handshake is
   * written. The monitor of the servers connects as well, but creates nothing for the pool.
   */
  const onSocket = (message: unknown): void => {
    const { socket } = message as { socket: Socket };
    sockets.add(socket);
    if (!isOfPool) return;
    isOfPool = false;
    socket.prependOnceListener('connect', () => socket.destroy());
  };

  beforeAll(async () => {
    subscribe('net.client.socket', onSocket);
    await database.reach();
    database.connection.model('Late', schema, 'late_things');
    await database.open();
  });

  afterAll(async () => {
    unsubscribe('net.client.socket', onSocket);
    await things.db.dropDatabase();
    await database.close();
  });

  it('makes the indexes of its models, of those too that were registered once it was reached', async () => {
    for (const name of ['things', 'late_things']) {
      const indexes = await things.db.collection(name).indexes();
      expect(indexes.map(({ key }) => Object.keys(key as object))).toEqual([['_id'], ['n']]);
    }
  });

  it('replaces a client that cannot connect any more, beneath the models', async () => {
    await things.insertOne({ _id: 'before', n: 1 });
    const before = database.connection.getClient();
    const raw = things.db.collection('things');
    // Attempts that are lost are never given up by the driver, and it makes no more than these at
    // once.
    let attempts = 0;
    before.on('connectionCreated', () => {
      // The driver makes the socket in the same turn.
      isOfPool = ++attempts <= ATTEMPTS;
    });
    for (const socket of sockets) socket.destroy();
    const failed = await Promise.allSettled(
      Array.from({ length: ATTEMPTS }, () =>
        withRequestPatience(() => things.findById('before').exec(), 1_500),
      ),
    );
    expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);

    const begun = performance.now();
    await eventually(async () => {
      try {
        return (await withRequestPatience(() => things.findById('before').lean(), 1_000)) ?? true;
      } catch (error) {
        if (!isDatabaseUnavailable(error)) throw error;
        return undefined;
      }
    }, 20_000);
    process.stdout.write(`replaced after ${Math.round(performance.now() - begun)} ms\n`);
    // Not `toBe`: a client that is shown in a failure holds itself, and ends Jest's reporter.
    expect(database.connection.getClient() === before).toBe(false);
    await database.ping();
    await things.updateOne({ _id: 'before' }, { n: 2 });
    // Collections that were taken before go to the new client as well.
    expect(await raw.findOne({ n: 2 })).toEqual({ _id: 'before', n: 2 });
  });
});
