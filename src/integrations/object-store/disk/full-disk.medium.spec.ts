import { join } from 'node:path';
import { Readable } from 'node:stream';
import { itWith } from '../../../../test/support/needed-programs.js';
import { mountSmallDisk, unmountDisk } from '../../../../test/support/small-disk.js';
import { objectKey } from '../object-key.js';
import { filesIn } from '../object-store.contract.spec.js';
import { diskObjectStore } from './disk-object-store.js';

const MiB = 1024 * 1024;
const disk = mountSmallDisk(4);
const withDisk = itWith(disk, 'the right to mount a tmpfs: root');

afterAll(() => unmountDisk(disk));

withDisk('a full disk is said; what was put leaves nothing, and what is there stays', async () => {
  const folder = join(disk ?? '', 'objects');
  const store = diskObjectStore(folder);
  const bytes = (size: number): Readable => Readable.from([Buffer.alloc(size)]);
  await store.put(objectKey('kept'), bytes(MiB));
  const before = await filesIn(folder);
  for (const name of ['large', 'kept']) {
    const putting = store.put(objectKey(name), bytes(8 * MiB));
    await expect(putting).rejects.toMatchObject({ code: 'full' });
  }
  expect(await filesIn(folder)).toEqual(before);
  expect(await store.stat(objectKey('kept'))).toMatchObject({ size: MiB });
  expect(await store.put(objectKey('fits'), bytes(2 * MiB))).toMatchObject({ size: 2 * MiB });
});
