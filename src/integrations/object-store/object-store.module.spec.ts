import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { freePort } from '../../../test/support/free-port.js';
import { ConfigModule } from '../../config/config.module.js';
import { parseConfig } from '../../config/load-config.js';
import { objectKey } from './object-key.js';
import { ObjectStore } from './object-store.js';
import { ObjectStoreModule } from './object-store.module.js';

const S3 = {
  OBJECT_STORE: 's3',
  S3_BUCKET: 'artifacts',
  S3_ACCESS_KEY_ID: 'an-id',
  S3_SECRET_ACCESS_KEY: 'a-secret',
};

describe('ObjectStoreModule', () => {
  let home: string;
  beforeEach(() => (home = mkdtempSync(join(tmpdir(), 'mr-object-store-'))));
  afterEach(() => {
    jest.restoreAllMocks();
    jest.useRealTimers();
    rmSync(home, { recursive: true, force: true });
  });

  async function start(environment: Readonly<Record<string, string>>, sweeps = false) {
    const parsed = parseConfig({ MILLRACE_HOME: home, ...environment });
    if (parsed.kind === 'invalid') throw new Error(JSON.stringify(parsed.problems));
    class Root {}
    return NestFactory.createApplicationContext(
      {
        module: Root,
        imports: [ConfigModule.forRoot(parsed.config), ObjectStoreModule.forRoot({ sweeps })],
      },
      { logger: false, abortOnError: false },
    );
  }

  it('gives the disk, which is touched when something is put', async () => {
    const app = await start({});
    expect(existsSync(join(home, 'objects'))).toBe(false);
    await app.get(ObjectStore).put(objectKey('a'), Readable.from([Buffer.from('x')]));
    expect(existsSync(join(home, 'objects', 'entries', 'a!'))).toBe(true);
    await app.close();
  });

  it('gives S3 as it is configured, and asks for nothing at the start', async () => {
    const environment = { ...S3, S3_ENDPOINT: `http://127.0.0.1:${await freePort()}` };
    const app = await start(environment);
    const asked = app.get(ObjectStore).stat(objectKey('a'));
    await expect(asked).rejects.toMatchObject({ code: 'unreachable' });
    expect(existsSync(join(home, 'objects'))).toBe(false);
    await app.close();
  });

  it('removes what is unfinished since a day, where it was asked to, and once more each hour', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate'] });
    const app = await start({}, true);
    const abort = jest.spyOn(app.get(ObjectStore), 'abortUnfinished').mockResolvedValue(0);
    await jest.advanceTimersByTimeAsync(4_600_000);
    expect(abort.mock.calls.map(([age]) => age)).toEqual([86_400_000]);
    abort.mockRejectedValueOnce(new Error('away'));
    await jest.advanceTimersByTimeAsync(2 * 4_600_000);
    expect(abort.mock.calls.length).toBeGreaterThan(2);
    await app.close();
    const calls = abort.mock.calls.length;
    await jest.advanceTimersByTimeAsync(10_000_000);
    expect(abort).toHaveBeenCalledTimes(calls);
  });

  it('removes nothing elsewhere', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate'] });
    const app = await start({});
    const abort = jest.spyOn(app.get(ObjectStore), 'abortUnfinished');
    await jest.advanceTimersByTimeAsync(10_000_000);
    expect(abort).not.toHaveBeenCalled();
    await app.close();
  });
});
