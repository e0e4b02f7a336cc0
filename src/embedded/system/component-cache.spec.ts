import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cachedComponent } from './component-cache.js';
import { acquireFileLock } from './file-lock.js';

describe('cachedComponent', () => {
  let cache: string;

  beforeEach(async () => {
    cache = join(await mkdtemp(join(tmpdir(), 'cache-spec-')), 'cache');
  });
  afterEach(() => rm(join(cache, '..'), { recursive: true, force: true }));

  const get = (
    make: (folder: string) => Promise<void>,
    progress: (line: string) => void = () => undefined,
    signal?: AbortSignal,
  ): Promise<string> =>
    cachedComponent({ cache, name: 'thing-1', env: process.env, progress, make, signal });

  it('makes it once', async () => {
    let made = 0;
    const make = async (folder: string): Promise<void> => {
      made += 1;
      await writeFile(join(folder, 'file'), 'whole');
    };
    const first = await get(make);
    expect(await get(make)).toBe(first);
    expect(made).toBe(1);
    expect(await readFile(join(first, 'file'), 'utf8')).toBe('whole');
  });

  it('lets a second caller wait, with a message, and use the result', async () => {
    const lines: string[] = [];
    let finish: () => void = () => undefined;
    const secondWaits = new Promise<void>((resolve) => (finish = resolve));
    let made = 0;
    const make = async (): Promise<void> => {
      made += 1;
      await secondWaits;
    };
    const tell = (line: string): void => {
      lines.push(line);
      finish();
    };
    const folders = await Promise.all([get(make, tell), get(make, tell)]);
    expect(folders[0]).toBe(folders[1]);
    expect(made).toBe(1);
    expect(lines).toEqual([expect.stringContaining('Waiting')]);
  });

  it('leaves nothing of a failed attempt, and tries again', async () => {
    await expect(get(() => Promise.reject(new Error('cut off')))).rejects.toThrow('cut off');
    expect((await readdir(cache)).filter((name) => !name.endsWith('.lock'))).toEqual([]);
    await expect(get(() => Promise.resolve())).resolves.toContain('thing-1');
  });

  it('never uses a folder that is not whole, and removes what a killed attempt left', async () => {
    await mkdir(join(cache, 'thing-1'), { recursive: true });
    await mkdir(join(cache, '.thing-1.making-abc'));
    let made = false;
    await get(() => {
      made = true;
      return Promise.resolve();
    });
    expect(made).toBe(true);
    expect(await readdir(cache)).not.toContain('.thing-1.making-abc');
  });

  it('names a full disk', async () => {
    const full = Object.assign(new Error('write'), { code: 'ENOSPC' });
    await expect(get(() => Promise.reject(full))).rejects.toMatchObject({ code: 'disk_full' });
  });

  it.each([0, 50])('stops waiting when it is told to, after %i ms', async (ms) => {
    await mkdir(cache, { recursive: true });
    const lock = await acquireFileLock(join(cache, '.thing-1.lock'), {
      env: process.env,
      onWait: () => undefined,
    });
    const stop = new AbortController();
    const tell = (): void => void (ms === 0 ? stop.abort() : setTimeout(() => stop.abort(), ms));
    await expect(get(() => Promise.resolve(), tell, stop.signal)).rejects.toMatchObject({
      code: 'aborted',
    });
    await lock.release();
  });

  it('says when the folder cannot be locked', async () => {
    const options = { env: process.env, onWait: () => undefined };
    await expect(acquireFileLock('/nonexistent/folder/lock', options)).rejects.toMatchObject({
      code: 'lock_unavailable',
    });
    await mkdir(cache, { recursive: true });
    await expect(
      acquireFileLock(join(cache, 'lock'), { ...options, env: { PATH: '/nonexistent' } }),
    ).rejects.toMatchObject({ code: 'lock_unavailable' });
  });
});
