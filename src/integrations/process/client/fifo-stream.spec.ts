import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FifoStream } from './fifo-stream.js';

const CHUNK_BYTES = 64 * 1024;

describe('FifoStream', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fifo-'));
  let stream: FifoStream;
  let writer: FileHandle;

  beforeEach(async () => {
    const path = join(folder, 'fifo');
    execFileSync('mkfifo', [path]);
    stream = new FifoStream(path);
    writer = await open(path, 'w');
    stream.begin();
  });

  afterEach(async () => {
    await writer.close();
    stream.destroy();
    await stream.whenClosed;
    rmSync(join(folder, 'fifo'));
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  async function chunk(bytes: number): Promise<Buffer> {
    const [, read] = await Promise.all([
      writer.write(Buffer.alloc(bytes, 'x')),
      new Promise<Buffer>((resolve) => {
        stream.once('readable', () => resolve(stream.read() as Buffer));
      }),
    ]);
    expect(read).toHaveLength(bytes);
    return read;
  }

  it('reads into memory that was given back, and into no other', async () => {
    const first = await chunk(CHUNK_BYTES);
    const second = await chunk(CHUNK_BYTES);
    expect(second.buffer).not.toBe(first.buffer);
    stream.giveBack(second);
    expect((await chunk(CHUNK_BYTES)).buffer).toBe(second.buffer);
    expect((await chunk(CHUNK_BYTES)).buffer).not.toBe(second.buffer);
  });

  it('does not take the memory of a small chunk, which others share', async () => {
    const small = await chunk(100);
    stream.giveBack(small);
    expect((await chunk(CHUNK_BYTES)).buffer).not.toBe(small.buffer);
  });
});
