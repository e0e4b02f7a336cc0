import { Readable } from 'node:stream';
import { S3StandIn } from '../../../../test/support/s3-stand-in.js';
import { objectKey } from '../object-key.js';
import type { ObjectStore } from '../object-store.js';
import { s3ObjectStore } from './s3-object-store.js';

const MiB = 1024 * 1024;
const KEY = objectKey('a');
const content = (size: number): Readable => Readable.from([Buffer.alloc(size)]);

describe('requests to S3 that are interrupted', () => {
  let server: S3StandIn;
  let store: ObjectStore;

  beforeEach(async () => {
    server = new S3StandIn();
    store = s3ObjectStore({
      ...{ endpoint: await server.start(), region: 'eu-x', bucket: 'b', prefix: 'p' },
      ...{ accessKeyId: 'id', secretAccessKey: 'secret', pathStyle: true },
      checksums: 'WHEN_REQUIRED',
    });
  });
  afterEach(() => server.stop());

  const sent = (pattern: RegExp): string[] => server.requests.filter((each) => pattern.test(each));

  it('abort an upload whose id was on its way when the put was aborted', async () => {
    const controller = new AbortController();
    server.before = (request) => {
      if (request.includes('?uploads')) controller.abort();
      return true;
    };
    const putting = store.put(KEY, content(17 * MiB), { signal: controller.signal });
    await expect(putting).rejects.toMatchObject({ code: 'aborted' });
    expect(sent(/^DELETE .*uploadId=7/)).toHaveLength(1);
  });

  it('are sent again, and abort the upload when that does not help', async () => {
    server.before = (request) => !request.includes('partNumber=2');
    const putting = store.put(KEY, content(17 * MiB));
    await expect(putting).rejects.toMatchObject({ code: 'unreachable' });
    expect(sent(/partNumber=2/)).toHaveLength(3);
    expect(sent(/^DELETE .*uploadId=7/)).toHaveLength(1);
    expect(sent(/entries/)).toEqual([]);
  });

  it('help themselves where one is lost', async () => {
    let lost = 0;
    server.before = (request) => !request.startsWith('PUT') || (lost += 1) % 2 === 0;
    expect(await store.put(KEY, content(17 * MiB))).toMatchObject({ size: 17 * MiB });
    expect(lost).toBeGreaterThan(4);
    expect(await store.stat(KEY)).toMatchObject({ size: 17 * MiB });
  });

  it('fail in the middle of a body that is cut', async () => {
    await store.put(KEY, content(MiB));
    const { body } = await store.get(KEY);
    await expect(body.toArray()).resolves.not.toEqual([]);
    server.before = (request) => {
      server.cutsBodies = request.includes('bodies');
      return true;
    };
    const cut = await store.get(KEY);
    await expect(cut.body.toArray()).rejects.toMatchObject({ code: 'unreachable' });
    server.cutsBodies = true;
    server.before = () => true;
    await expect(store.stat(KEY)).rejects.toMatchObject({ code: 'unreachable' });
  });
});
