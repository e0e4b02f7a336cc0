import { Readable } from 'node:stream';
import { S3StandIn } from '../../../../test/support/s3-stand-in.js';
import { objectKey } from '../object-key.js';
import { s3ObjectStore } from './s3-object-store.js';
import type { S3Settings } from '../s3-settings.js';

const MiB = 1024 * 1024;

describe('a server that refuses the checksums of the SDK', () => {
  let server: S3StandIn;
  let settings: S3Settings;

  beforeEach(async () => {
    server = new S3StandIn();
    settings = {
      ...{ endpoint: await server.start(), region: 'eu-x', bucket: 'b', prefix: 'p' },
      ...{ accessKeyId: 'id', secretAccessKey: 'secret', pathStyle: true },
      checksums: 'WHEN_REQUIRED',
    };
  });
  afterEach(() => server.stop());

  it.each([1, 17 * MiB])(
    'takes and gives an object of %i bytes as Millrace sends it',
    async (size) => {
      const store = s3ObjectStore(settings);
      const known = await store.put(objectKey('a'), Readable.from([Buffer.alloc(size)]));
      const { body, ...about } = await store.get(objectKey('a'));
      expect(about).toEqual(known);
      expect(Buffer.concat(await body.toArray())).toHaveLength(size);
      await store.delete(objectKey('a'));
      await expect(store.stat(objectKey('a'))).rejects.toMatchObject({ code: 'not_found' });
      expect(server.refused).toEqual([]);
    },
  );

  it('refuses them as the SDK sends them by itself', async () => {
    const store = s3ObjectStore({ ...settings, checksums: 'WHEN_SUPPORTED' });
    const putting = store.put(objectKey('a'), Readable.from([Buffer.alloc(1)]));
    await expect(putting).rejects.toMatchObject({ code: 'failed' });
    expect(server.refused).not.toEqual([]);
  });
});
