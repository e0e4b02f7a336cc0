import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { standIn } from '../../../test/support/stand-in.js';
import { hashOfFiles } from './cache-files.js';

const NEVER = new AbortController().signal;

describe('hashOfFiles', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'mr-key-files-'));
    writeFileSync(join(root, 'a'), 'x'.repeat(600));
    writeFileSync(join(root, 'b'), 'y'.repeat(600));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('is one for the same names and bytes, and none without files', async () => {
    const first = await hashOfFiles(root, ['*'], NEVER);
    expect(first).toMatch(/^[0-9a-f]{32}$/);
    expect(await hashOfFiles(root, ['a', 'b'], NEVER)).toBe(first);
    expect(await hashOfFiles(root, ['a'], NEVER)).not.toBe(first);
    expect(await hashOfFiles(root, ['none'], NEVER)).toBeUndefined();
    writeFileSync(join(root, 'b'), 'z'.repeat(600));
    expect(await hashOfFiles(root, ['*'], NEVER)).not.toBe(first);
  });

  it('reads no more bytes than it may, of all files together', async () => {
    expect(await hashOfFiles(root, ['*'], NEVER, 1_200)).toBeDefined();
    await expect(hashOfFiles(root, ['*'], NEVER, 1_199)).rejects.toMatchObject({
      name: 'KeyFilesError',
    });
  });

  it('ends with the reason of the signal, also within a file', async () => {
    const stop = new Error('stopped');
    await expect(hashOfFiles(root, ['*'], AbortSignal.abort(stop))).rejects.toBe(stop);
    writeFileSync(join(root, 'a'), Buffer.alloc(1_000_000));
    let asked = 0;
    const throwIfAborted = (): void => {
      // One file is one entry: more than twice it is asked within the file only.
      if ((asked += 1) > 2) throw stop;
    };
    const hash = hashOfFiles(root, ['a'], standIn<AbortSignal>({ throwIfAborted }));
    await expect(hash).rejects.toBe(stop);
  });
});
