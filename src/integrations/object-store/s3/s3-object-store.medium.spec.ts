import {
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { inspect } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../../../test/support/eventually.js';
import { freePort } from '../../../../test/support/free-port.js';
import { itWith } from '../../../../test/support/needed-programs.js';
import { mountSmallDisk, unmountDisk } from '../../../../test/support/small-disk.js';
import { describeVersitygw, Versitygw } from '../../../../test/support/versitygw.js';
import { objectKey } from '../object-key.js';
import type { ObjectStore } from '../object-store.js';
import { describeObjectStore } from '../object-store.contract.spec.js';
import { createS3Client } from './s3-client.js';
import { s3ObjectStore } from './s3-object-store.js';
import type { S3Settings } from '../s3-settings.js';

jest.setTimeout(60_000);

const MiB = 1024 * 1024;
const SECRET = 'a-secret-that-nobody-prints';
const content = (size: number): Readable => Readable.from([Buffer.alloc(size)]);

const disk = mountSmallDisk(6);
const withDisk = itWith(disk, 'the right to mount a tmpfs: root');
afterAll(() => unmountDisk(disk));

describeVersitygw('objects in S3', (root) => {
  let server: Versitygw;
  let settings: S3Settings;
  let store: ObjectStore;
  let folder: string;

  beforeAll(async () => {
    server = await Versitygw.start(root);
    const { endpoint, region, bucket, accessKeyId, secretAccessKey } = server;
    settings = {
      ...{ endpoint, region, bucket, accessKeyId, secretAccessKey },
      ...{ prefix: 'millrace/ci', pathStyle: true, checksums: 'WHEN_REQUIRED' },
    };
    store = s3ObjectStore(settings);
    folder = join(server.bucketFolder, settings.prefix);
    await mkdir(folder, { recursive: true });
  });
  afterAll(() => server.stop());

  describeObjectStore('S3', () => ({ store, folder }));

  /** Keys of the uploads in the whole bucket that are not finished. */
  async function uploads(): Promise<(string | undefined)[]> {
    const command = new ListMultipartUploadsCommand({ Bucket: server.bucket });
    const { Uploads = [] } = await createS3Client(settings).send(command);
    return Uploads.map(({ Key }) => Key);
  }

  const uploadBegun = () =>
    eventually(async () => ((await uploads()).length > 0 ? true : undefined));

  async function beginUpload(Key: string): Promise<void> {
    const client = createS3Client(settings);
    const target = { Bucket: server.bucket, Key };
    const { UploadId } = await client.send(new CreateMultipartUploadCommand(target));
    await client.send(
      new UploadPartCommand({ ...target, UploadId, PartNumber: 1, Body: Buffer.alloc(MiB) }),
    );
  }

  it('leave no upload when they fail in the middle', async () => {
    const controller = new AbortController();
    async function* failing() {
      yield Buffer.alloc(17 * MiB);
      await uploadBegun();
      throw new Error('no more of it');
    }
    const failed = store.put(objectKey('failing'), Readable.from(failing()));
    await expect(failed).rejects.toThrow('no more of it');
    expect(await uploads()).toEqual([]);
    async function* aborted() {
      yield Buffer.alloc(17 * MiB);
      await uploadBegun();
      controller.abort();
      yield Buffer.alloc(MiB);
    }
    const { signal } = controller;
    const ended = store.put(objectKey('aborted'), Readable.from(aborted()), { signal });
    await expect(ended).rejects.toMatchObject({ code: 'aborted' });
    expect(await uploads()).toEqual([]);
  });

  it('whose upload nobody finished are aborted by their age, below the prefix alone', async () => {
    await beginUpload('millrace/ci/bodies/a!b');
    await beginUpload('millrace/ci2/bodies/a!b');
    await beginUpload('a-file-of-others');
    const others = ['a-file-of-others', 'millrace/ci2/bodies/a!b'];
    expect(await store.abortUnfinished(3_600_000)).toBe(0);
    expect(await uploads()).toHaveLength(3);
    await sleep(1_100);
    expect(await store.abortUnfinished(1_000)).toBe(1);
    expect((await uploads()).toSorted()).toEqual(others);
    expect(await store.abortUnfinished(1_000)).toBe(0);
    for (const prefix of ['', 'millrace/ci2']) {
      await s3ObjectStore({ ...settings, prefix }).abortUnfinished(0);
    }
    expect(await uploads()).toEqual([]);
  });

  it('whose upload is aborted under them are there as a whole or not at all', async () => {
    async function* slow() {
      yield Buffer.alloc(17 * MiB);
      await uploadBegun();
      expect(await store.abortUnfinished(-60_000)).toBe(1);
      yield Buffer.alloc(17 * MiB);
    }
    const [put] = await Promise.allSettled([store.put(objectKey('slow'), Readable.from(slow()))]);
    // A part that is on its way at that moment may bring the upload back: that is the server's.
    if (put.status === 'fulfilled') {
      const { body } = await store.get(objectKey('slow'));
      expect(Buffer.concat(await body.toArray())).toHaveLength(34 * MiB);
    } else {
      expect(put.reason).toMatchObject({ name: 'ObjectStoreError' });
      await expect(store.stat(objectKey('slow'))).rejects.toMatchObject({ code: 'not_found' });
    }
  });

  it('are of the prefix alone', async () => {
    await store.put(objectKey('shared'), content(1));
    const other = s3ObjectStore({ ...settings, prefix: '' });
    await expect(other.stat(objectKey('shared'))).rejects.toMatchObject({ code: 'not_found' });
    await other.put(objectKey('shared'), content(2));
    expect(await store.stat(objectKey('shared'))).toMatchObject({ size: 1 });
    expect(await other.stat(objectKey('shared'))).toMatchObject({ size: 2 });
    for await (const page of other.list()) expect(page).toEqual(['shared']);
    await other.delete(objectKey('shared'));
  });

  it('work with the checksums of the SDK too, where the server knows them', async () => {
    const checked = s3ObjectStore({ ...settings, checksums: 'WHEN_SUPPORTED' });
    const known = await checked.put(objectKey('checked'), content(17 * MiB));
    const { body, ...about } = await checked.get(objectKey('checked'));
    expect(about).toEqual(known);
    expect(Buffer.concat(await body.toArray())).toHaveLength(17 * MiB);
    const range = { offset: 16 * MiB, length: 5 };
    const part = await checked.get(objectKey('checked'), { range });
    expect(Buffer.concat(await part.body.toArray())).toHaveLength(5);
  });

  describe.each([
    ['another secret', { secretAccessKey: SECRET }, 'unauthorised'],
    ['an unknown key', { accessKeyId: 'unknown', secretAccessKey: SECRET }, 'unauthorised'],
    ['no such bucket', { bucket: 'missing' }, 'failed'],
  ])('with %s', (_what, change, code) => {
    it('are refused, and no secret is in what is said', async () => {
      const refused = s3ObjectStore({ ...settings, ...change });
      const calls = await Promise.allSettled([
        refused.put(objectKey('a'), content(1)),
        refused.put(objectKey('a'), content(17 * MiB)),
        refused.get(objectKey('a')),
        refused.stat(objectKey('a')),
        refused.delete(objectKey('a')),
        refused.abortUnfinished(0),
      ]);
      for (const call of calls) {
        const error = (call as PromiseRejectedResult).reason as Error;
        expect(error).toMatchObject({ name: 'ObjectStoreError', code });
        expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(SECRET);
      }
    });
  });

  withDisk('at a server whose disk is full are told so, and leave no upload', async () => {
    const small = await Versitygw.start(root, disk);
    try {
      const full = s3ObjectStore({ ...settings, endpoint: small.endpoint });
      await full.put(objectKey('kept'), content(MiB));
      for (const size of [7 * MiB, 30 * MiB]) {
        const putting = full.put(objectKey('large'), content(size));
        await expect(putting).rejects.toMatchObject({ code: 'full' });
      }
      expect(await full.abortUnfinished(-60_000)).toBe(0);
      expect(await full.stat(objectKey('kept'))).toMatchObject({ size: MiB });
    } finally {
      await small.stop();
    }
  });

  it('at a server that is away are unreachable', async () => {
    const endpoint = `http://127.0.0.1:${String(await freePort())}`;
    const away = s3ObjectStore({ ...settings, endpoint });
    await expect(away.stat(objectKey('a'))).rejects.toMatchObject({ code: 'unreachable' });
    const source = content(17 * MiB);
    await expect(away.put(objectKey('a'), source)).rejects.toMatchObject({ code: 'unreachable' });
    expect(source.destroyed).toBe(true);
  });

  it('are read with the credentials of the settings, whatever the environment says', async () => {
    const before = { ...process.env };
    Object.assign(process.env, {
      AWS_ACCESS_KEY_ID: 'of-the-environment',
      AWS_SECRET_ACCESS_KEY: 'of-the-environment',
      AWS_SESSION_TOKEN: 'of-the-environment',
      AWS_ENDPOINT_URL: 'http://127.0.0.1:9',
      AWS_REGION: 'of-the-environment',
      AWS_REQUEST_CHECKSUM_CALCULATION: 'WHEN_SUPPORTED',
      AWS_PROFILE: 'missing',
    });
    try {
      await s3ObjectStore(settings).put(objectKey('environment'), content(3));
      expect(await store.stat(objectKey('environment'))).toMatchObject({ size: 3 });
    } finally {
      process.env = before;
    }
  });
});
