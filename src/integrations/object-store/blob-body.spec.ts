import { PassThrough, Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { BlobBody, type BlobBodyOptions } from './blob-body.js';
import { ObjectStoreError } from './object-store.js';

const toError = (cause: unknown): ObjectStoreError =>
  new ObjectStoreError('failed', 'mapped', { cause });

function bodyOf(source: Readable, options: Partial<BlobBodyOptions> = {}): BlobBody {
  return new BlobBody(source, { length: 6, toError, ...options });
}

describe('the body of a blob', () => {
  it('gives the bytes of its source', async () => {
    const body = bodyOf(Readable.from([Buffer.from('abc'), Buffer.from('def')]));
    expect(Buffer.concat(await body.toArray()).toString()).toBe('abcdef');
  });

  it.each([5, 7])('fails when %i bytes were to come and 6 came', async (length) => {
    const body = bodyOf(Readable.from([Buffer.from('abcdef')]), { length });
    await expect(body.toArray()).rejects.toMatchObject({ code: 'damaged' });
  });

  it('fails with what the error of its source means, and destroys it', async () => {
    const source = new PassThrough();
    const body = bodyOf(source);
    const read = body.toArray();
    source.destroy(new Error('gone'));
    await expect(read).rejects.toMatchObject({ message: 'mapped', cause: { message: 'gone' } });
  });

  it('destroys its source when nobody reads it any more', async () => {
    const source = new PassThrough();
    bodyOf(source).destroy();
    await sleep(1);
    expect(source.destroyed).toBe(true);
  });

  it('ends with its signal, also one that was given before', async () => {
    const early = bodyOf(new PassThrough(), { signal: AbortSignal.abort() });
    await expect(early.toArray()).rejects.toMatchObject({ code: 'aborted' });
    const controller = new AbortController();
    const read = bodyOf(new PassThrough(), { signal: controller.signal }).toArray();
    controller.abort();
    await expect(read).rejects.toMatchObject({ code: 'aborted' });
  });

  it('waits for its source for a time, and for its reader without end', async () => {
    const source = new PassThrough();
    const patienceMs = 40;
    const unread = bodyOf(source, { patienceMs, length: 200_000 });
    source.write(Buffer.alloc(200_000));
    unread.read(1);
    await sleep(3 * patienceMs);
    expect(unread.destroyed).toBe(false);
    const read = unread.toArray();
    await expect(read).rejects.toMatchObject({ code: 'unreachable' });
  });
});
