import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { text } from 'node:stream/consumers';
import type { ArtifactsPlan } from '../../engine/plan/artifacts-plan.js';
import { diskObjectStore } from '../../integrations/object-store/disk/disk-object-store.js';
import type { Artifact } from './artifact.js';
import { ArtifactKeeper, ArtifactsTooLargeError } from './artifact-keeper.js';

const NOW = new Date('2026-01-02T03:04:05Z');
const origin = {
  ...{ executionId: 'e1', pipelineId: 'p1', stage: 'build', step: 'pack' },
  ...{ executionAttempt: 2, attempt: 3 },
};

describe('ArtifactKeeper', () => {
  let base: string;
  let records: Artifact[];
  let alreadyKept: number;
  let fails: boolean;
  let insertTakesMs: number;

  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), 'mr-keeper-'));
    for (const name of ['work', 'work/dist', 'scratch']) mkdirSync(join(base, name));
    writeFileSync(join(base, 'work/dist/app.js'), 'hello');
    writeFileSync(join(base, 'work/dist/large'), 'x'.repeat(2_000_000));
    records = [];
    alreadyKept = 0;
    fails = false;
    insertTakesMs = 0;
  });
  afterEach(() => rmSync(base, { recursive: true }));

  const objects = () => diskObjectStore(join(base, 'objects'));
  const newKeeper = (maxBytes: number) => {
    const sink = {
      insert: async (artifacts: readonly Artifact[]) => {
        await wait(insertTakesMs);
        if (fails) throw new Error('no database');
        records.push(...artifacts);
      },
      bytesOf: async () => records.reduce((sum, { size }) => sum + size, alreadyKept),
    };
    return new ArtifactKeeper(objects(), sink, maxBytes, () => NOW);
  };
  const keep = (
    plan: Partial<ArtifactsPlan> = {},
    maxBytes = 3_000_000,
    signal = NEVER,
    keeper = newKeeper(maxBytes),
  ) => {
    const tree = { root: join(base, 'work'), scratch: join(base, 'scratch') };
    return keeper.keep(origin, { paths: ['dist'], when: 'success', ...plan }, tree, signal);
  };
  const NEVER = new AbortController().signal;
  const stored = async (): Promise<number> => {
    let count = 0;
    for await (const keys of objects().list()) count += keys.length;
    return count;
  };

  it('keeps each file so that it can be read alone', async () => {
    expect(await keep()).toMatchObject({ files: 2, bytes: 2_000_005, unmatched: [] });
    expect(records.map(({ path }) => path)).toEqual(['dist/app.js', 'dist/large']);
    expect(records[0]).toMatchObject({ ...origin, name: 'pack', size: 5, createdAt: NOW });
    for (const { objectKey: key, offset, size: length, path } of records) {
      const { body } = await objects().get(key, { range: { offset, length } });
      expect(await text(body)).toBe(path === 'dist/app.js' ? 'hello' : 'x'.repeat(2_000_000));
    }
    expect(await stored()).toBe(1);
    expect(readdirSync(join(base, 'scratch'))).toEqual([]);
  });

  it('gives them their own name, and an end', async () => {
    await keep({ name: 'release', expireInMs: 60_000 });
    expect(records[0]).toMatchObject({
      name: 'release',
      expiresAt: new Date(NOW.getTime() + 60_000),
    });
  });

  it('keeps nothing of what has more bytes than the execution may keep, those before counted', async () => {
    await expect(keep({}, 2_000_004)).rejects.toThrow(ArtifactsTooLargeError);
    alreadyKept = 1_000_000;
    await expect(keep()).rejects.toThrow(ArtifactsTooLargeError);
    expect(records).toEqual([]);
    expect(await stored()).toBe(0);
    alreadyKept = 999_995;
    await keep();
    expect(records).toHaveLength(2);
  });

  it('counts those of steps that run at once', async () => {
    const keeper = newKeeper(5_000_000);
    insertTakesMs = 100;
    const kept = await Promise.allSettled([1, 2, 3].map(() => keep({}, 0, NEVER, keeper)));
    expect(kept.map(({ status }) => status).sort()).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    const reasons = kept.flatMap((one) => (one.status === 'rejected' ? [one.reason as Error] : []));
    expect(reasons).toEqual([expect.any(ArtifactsTooLargeError)]);
    expect([records.length, await stored()]).toEqual([4, 2]);
  });

  it('stores no archive of nothing', async () => {
    expect(await keep({ paths: ['nothing'] })).toMatchObject({ files: 0, unmatched: ['nothing'] });
    expect(await stored()).toBe(0);
  });

  it('has the archive stored before the first record is, and rejects without them', async () => {
    fails = true;
    await expect(keep()).rejects.toThrow('no database');
    expect(await stored()).toBe(1);
  });

  it('stops when it is told to, and leaves nothing', async () => {
    await expect(keep({}, 3_000_000, AbortSignal.abort(new Error('stop')))).rejects.toThrow();
    expect(records).toEqual([]);
    expect(await stored()).toBe(0);
  });
});
