import { Redis } from 'ioredis';
import mongoose from 'mongoose';
import { testServices, withDatabase } from '../support/services.js';

describe('testServices', () => {
  it('gives this file a database and a Redis of its own that work', async () => {
    const { mongodbUri, databaseName, redisUrl, keyPrefix } = testServices();
    const connection = await mongoose
      .createConnection(mongodbUri, { dbName: databaseName })
      .asPromise();
    const kept = connection.collection<{ _id: string }>('kept');
    expect(await kept.countDocuments()).toBe(0);
    await kept.insertOne({ _id: 'a' });
    expect(await kept.countDocuments()).toBe(1);
    await connection.close();

    const redis = new Redis(redisUrl);
    await redis.set(`${keyPrefix}:a`, '1');
    expect(await redis.keys(`${keyPrefix}:*`)).toEqual([`${keyPrefix}:a`]);
    await redis.quit();
  });

  it('names the same ones again', () => {
    expect(testServices()).toEqual(testServices());
  });
});

describe('withDatabase', () => {
  it.each([
    ['unix:///run/r.sock', 'unix:///run/r.sock?db=3'],
    ['/run/r.sock', '/run/r.sock?db=3'],
    ['/run/r.sock?db=7', '/run/r.sock?db=7'],
    ['redis://h:6379', 'redis://h:6379/3'],
    ['redis://:pw@h:6379/', 'redis://:pw@h:6379/3'],
    ['rediss://h/2', 'rediss://h/2'],
  ])('%s', (url, expected) => {
    expect(withDatabase(url, 3)).toBe(expected);
  });
});
