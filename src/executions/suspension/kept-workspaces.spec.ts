import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { diskObjectStore } from '../../integrations/object-store/disk/disk-object-store.js';
import type { ObjectStore } from '../../integrations/object-store/object-store.js';
import { KeptWorkspaces, keptFolder } from './kept-workspaces.js';

describe('KeptWorkspaces', () => {
  let folder: string;
  let objects: ObjectStore;
  let kept: KeptWorkspaces;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'mr-kept-'));
    objects = diskObjectStore(folder);
    kept = new KeptWorkspaces(objects);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const keep = async (...places: [id: string, attempt: number][]): Promise<void> => {
    for (const [id, attempt] of places) {
      await objects.put(keptFolder(id, attempt, 'home'), Readable.from(['x']));
    }
  };
  const all = async (): Promise<string[]> => {
    const keys: string[] = [];
    for await (const page of objects.list()) keys.push(...page);
    return keys;
  };

  it('of an execution that waits again only what is older goes', async () => {
    await keep(['e1', 1], ['e1', 2], ['e1', 10], ['e2', 1]);
    await kept.removeOf('e1', 2);
    expect(await all()).toEqual(
      expect.arrayContaining([
        keptFolder('e1', 2, 'home'),
        keptFolder('e1', 10, 'home'),
        keptFolder('e2', 1, 'home'),
      ]),
    );
    expect(await all()).toHaveLength(3);
  });

  it('all of an execution goes with it, and nothing of others', async () => {
    await keep(['e1', 1], ['e1', 2], ['e2', 1]);
    await kept.remove([{ id: 'e1' }, { id: 'none' }]);
    expect(await all()).toEqual([keptFolder('e2', 1, 'home')]);
  });

  it('finds the oldest execution of which something is kept', async () => {
    expect(await kept.firstExecution('e9')).toBeUndefined();
    await keep(['e2', 1], ['e1', 3]);
    expect(await kept.firstExecution('e9')).toBe('e1');
    expect(await kept.firstExecution('e1')).toBeUndefined();
  });
});
