import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { forgetPeak, peakOf } from '../../../test/support/process-memory.js';
import { diskObjectStore } from './disk/disk-object-store.js';
import { objectKey } from './object-key.js';
import type { S3Settings } from './s3-settings.js';
import { s3ObjectStore } from './s3/s3-object-store.js';

/** What the program below is asked by its argument, as JSON. */
export interface StreamMemoryRequest {
  /** Of the object, bytes. */
  readonly size: number;
  readonly folder?: string;
  readonly s3?: S3Settings;
}

/** What it prints, as JSON: by how much its memory has grown at most, bytes. */
export interface StreamMemory {
  readonly put: number;
  readonly putAndGet: number;
}

const CHUNK = 64 * 1024;
const COLLECT_EVERY = 8 * 1024 * 1024;

/** Used again and again, so that what is measured is not the garbage of the source. */
const BUFFERS = Array.from({ length: 64 }, (_each, index) => Buffer.alloc(CHUNK, index + 1));

function* chunks(size: number): Generator<Buffer> {
  for (let sent = 0; sent < size; sent += CHUNK) {
    const buffer = BUFFERS[(sent / CHUNK) % BUFFERS.length] as Buffer;
    yield buffer.subarray(0, size - sent);
  }
}

/**
 * Drops what it reads. Node collects the buffers of a stream only when there are 64 MiB and more of
 * them, of a plain `http.get` too; here it is made to, so that the peak is what the store holds.
 */
function drain(): Writable {
  let sinceCollected = 0;
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      sinceCollected += chunk.length;
      if (sinceCollected >= COLLECT_EVERY) {
        sinceCollected = 0;
        globalThis.gc?.();
      }
      done();
    },
  });
}

/** Puts an object and gets it, after one of a byte: what was loaded for that is not counted. */
async function measure({ size, folder, s3 }: StreamMemoryRequest): Promise<StreamMemory> {
  if (globalThis.gc === undefined) throw new Error('it needs --expose-gc');
  const { pid } = process;
  const store = s3 ? s3ObjectStore(s3) : diskObjectStore(folder ?? '');
  const key = objectKey('large');
  const get = async (): Promise<void> => pipeline((await store.get(key)).body, drain());
  await store.put(key, Readable.from(chunks(1)));
  await get();
  // Not `maxRSS` of getrusage(2): that begins with what the parent of this program had.
  forgetPeak(pid);
  const before = peakOf(pid);
  await store.put(key, Readable.from(chunks(size)), { size });
  const put = peakOf(pid) - before;
  await get();
  return { put, putAndGet: peakOf(pid) - before };
}

const answer = await measure(JSON.parse(process.argv[2] ?? '') as StreamMemoryRequest);
process.stdout.write(JSON.stringify(answer), () => process.exit());
