import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { standIn } from '../../../test/support/stand-in.js';
import { diskObjectStore } from '../../integrations/object-store/disk/disk-object-store.js';
import { objectKey } from '../../integrations/object-store/object-key.js';
import type { ObjectStore } from '../../integrations/object-store/object-store.js';
import { ArtifactsPart } from './artifacts-part.js';
import type { ArtifactsRepository } from './artifacts.repository.js';
import { ExpiredArtifacts } from './expired-artifacts.js';

const NOW = new Date('2026-01-02T03:04:05Z');

describe('what removes artifacts', () => {
  let folder: string;
  let objects: ObjectStore;
  let removed: string[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'mr-artifacts-'));
    objects = diskObjectStore(folder);
    removed = [];
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const put = (...key: string[]) => objects.put(objectKey(...key), Readable.from(['x']));
  const left = async (): Promise<string[]> => {
    const keys: string[] = [];
    for await (const page of objects.list()) keys.push(...page);
    return keys;
  };

  it('takes all that an execution left, without a record too, and then the records', async () => {
    await put('artifacts', 'e1', '1', 'a');
    await put('artifacts', 'e1', '2', 'no-record');
    await put('artifacts', 'e10', '1', 'of-another');
    const repository = standIn<ArtifactsRepository>({
      removeExecution: async (id) => {
        removed.push(`${id}: ${(await left()).length} left`);
      },
    });
    await new ArtifactsPart(objects, repository).remove([{ id: 'e1', attempts: undefined }]);
    expect(await left()).toEqual(['artifacts/e10/1/of-another']);
    expect(removed).toEqual(['e1: 1 left']);
  });

  it('takes what has expired: the archive first, by pages', async () => {
    await put('artifacts', 'e1', '1', 'a');
    await put('artifacts', 'e1', '1', 'b');
    const all = Array.from({ length: 1_001 }, (_, index) => ({
      id: `id-${index}`,
      objectKey: objectKey('artifacts', 'e1', '1', 'a'),
    }));
    const repository = standIn<ArtifactsRepository>({
      expired: async (now, limit) => {
        expect(now).toBe(NOW);
        return all.slice(0, limit);
      },
      remove: async (ids) => {
        expect(await left()).toEqual(['artifacts/e1/1/b']);
        all.splice(0, ids.length);
      },
    });
    expect(await new ExpiredArtifacts(repository, objects).remove(NOW)).toBe(1_001);
    expect(all).toEqual([]);
  });
});
