import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, stat, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../../../test/support/eventually.js';
import { ScratchFolders } from './scratch-folders.js';
import { ownProcessMark } from '../child-process/process-mark.js';

describe('ScratchFolders', () => {
  let home: string;
  let scratch: ScratchFolders;
  const left = (): Promise<string[]> => readdir(join(home, 'definitions'));

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'millrace-scratch-'));
    scratch = new ScratchFolders(join(home, 'definitions'));
  });
  afterEach(() => rm(home, { recursive: true, force: true }));

  it('gives a folder that is closed to others, and removes it after the work', async () => {
    const folder = await scratch.use(async (made) => {
      expect((await stat(made)).mode & 0o777).toBe(0o700);
      expect((await stat(join(home, 'definitions'))).mode & 0o777).toBe(0o700);
      return made;
    });
    await eventually(() => !existsSync(folder) || undefined);
  });

  it('removes it after work that fails', async () => {
    const failing = scratch.use(() => Promise.reject(new Error('no')));
    await expect(failing).rejects.toThrow('no');
    await eventually(async () => (await left()).length === 0 || undefined);
  });

  it('removes at the start what dead processes left, and nothing of those that live', async () => {
    const [, start, namespace] = ownProcessMark().split('.');
    const alive = `${ownProcessMark()}.a`;
    const dead = `${process.pid}.${Number(start) + 1}.${namespace}.b`;
    for (const name of [alive, dead, 'r-old', 'r-new']) {
      await mkdir(join(home, 'definitions', name, 'tree'), { recursive: true });
    }
    await utimes(join(home, 'definitions', 'r-old'), 0, 0);
    scratch.onModuleInit();
    await eventually(async () => (await left()).length === 2 || undefined);
    expect((await left()).sort()).toEqual([alive, 'r-new'].sort());
  });
});
