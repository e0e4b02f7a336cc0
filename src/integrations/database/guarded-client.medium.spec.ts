import { Logger } from '@nestjs/common';
import { mongo } from 'mongoose';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { testServices } from '../../../test/support/services.js';
import { CallWatch } from './call-watch.js';
import { isDatabaseUnavailable } from './database-errors.js';
import { withRequestPatience } from './database-patience.js';
import { GuardedClient } from './guarded-client.js';

const LIMIT_MS = 400;
const collectionName = 'guarded';

type Call = (db: mongo.Db) => Promise<unknown>;
const on =
  (call: (collection: mongo.Collection<{ _id: string; n?: number }>) => Promise<unknown>): Call =>
  (db) =>
    call(db.collection(collectionName));

/** Every kind of call that a repository makes. */
const calls: readonly (readonly [string, Call])[] = [
  ['command', (db) => db.command({ ping: 1 })],
  ['findOne', on((some) => some.findOne({ _id: 'x' }))],
  ['a cursor as a list', on((some) => some.find({}, { limit: 3 }).toArray())],
  ['a cursor, step by step', on((some) => some.find({}).next())],
  ['aggregate', on((some) => some.aggregate([{ $match: {} }]).toArray())],
  ['countDocuments', on((some) => some.countDocuments({ n: 1 }))],
  ['distinct', on((some) => some.distinct('n', {}))],
  ['insertOne', on((some) => some.insertOne({ _id: new mongo.ObjectId().toHexString() }))],
  ['insertMany', on((some) => some.insertMany([{ _id: new mongo.ObjectId().toHexString() }]))],
  ['updateOne', on((some) => some.updateOne({ _id: 'x' }, { $set: { n: 1 } }))],
  ['updateMany', on((some) => some.updateMany({ n: 7 }, { $set: { n: 8 } }))],
  ['deleteOne', on((some) => some.deleteOne({ _id: 'x' }))],
  ['deleteMany', on((some) => some.deleteMany({ n: 7 }))],
  ['findOneAndUpdate', on((some) => some.findOneAndUpdate({ _id: 'x' }, { $set: { n: 1 } }))],
  ['bulkWrite', on((some) => some.bulkWrite([{ deleteOne: { filter: { _id: 'x' } } }]))],
];

beforeAll(() => {
  Logger.overrideLogger(false);
});

describe('a call on a socket that was destroyed and did not say so yet', () => {
  let client: GuardedClient;
  /** The one connection of the pool. */
  let pooled: Socket | undefined;
  let expectSocket = false;
  const onSocket = (message: unknown): void => {
    if (!expectSocket) return;
    expectSocket = false;
    pooled = (message as { socket: Socket }).socket;
  };

  beforeAll(async () => {
    subscribe('net.client.socket', onSocket);
    const { mongodbUri, databaseName } = testServices();
    const options = { dbName: databaseName, maxPoolSize: 1, socketTimeoutMS: 10_000 };
    client = new GuardedClient(mongodbUri, options, new CallWatch());
    client.on('connectionCreated', () => {
      expectSocket = true;
    });
    await client.connect();
    await client.db().command({ ping: 1 });
  });

  afterAll(async () => {
    unsubscribe('net.client.socket', onSocket);
    await client.close(true);
  });

  it.each(calls)(
    '%s ends in time, and its place in the pool is free again',
    async (_name, call) => {
      const db = client.db();
      await call(db);
      client.once('connectionCheckedOut', () => pooled?.destroy());
      const begun = performance.now();
      const error: unknown = await withRequestPatience(() => call(db), LIMIT_MS).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(performance.now() - begun).toBeLessThan(LIMIT_MS + 1_500);
      expect(isDatabaseUnavailable(error)).toBe(true);
      // With a place lost, this would wait for ever.
      await withRequestPatience(() => db.command({ ping: 1 }), 3_000);
      expect(client.calls.unsettled).toBe(0);
    },
  );

  it.each(calls.filter(([name]) => /^(?:insert|update|bulkWrite)/.test(name)))(
    '%s says that the database is away when its connection breaks',
    async (_name, call) => {
      const db = client.db();
      await call(db);
      client.once('connectionCheckedOut', () => {
        setImmediate(() => pooled?.destroy(new Error('broken')));
      });
      const error: unknown = await withRequestPatience(() => call(db), 5_000).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).toMatchObject({ name: 'MongoNetworkError' });
      expect(isDatabaseUnavailable(error)).toBe(true);
    },
  );
});
