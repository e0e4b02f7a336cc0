import { testServices } from '../../../test/support/services.js';
import { uuidV7 } from '../../common/ids/uuid.js';
import { DatabaseConnection } from '../../integrations/database/database-connection.js';
import { objectKey } from '../../integrations/object-store/object-key.js';
import type { Artifact } from './artifact.js';
import { artifact } from './artifact.fixture.js';
import { ARTIFACT_MODEL, type ArtifactDocument, artifactSchema } from './artifact.schema.js';
import { ArtifactsRepository } from './artifacts.repository.js';

jest.setTimeout(120_000);

const { mongodbUri, databaseName } = testServices();
const database = new DatabaseConnection({ uri: mongodbUri, databaseName, poolSize: 5 });
const model = database.connection.model<ArtifactDocument>(ARTIFACT_MODEL, artifactSchema);
const artifacts = new ArtifactsRepository(model);

beforeAll(async () => {
  await database.open();
  await model.createIndexes();
});
afterEach(() => model.deleteMany({}));
afterAll(() => database.close());

const insert = (records: readonly Artifact[]) =>
  artifacts.insert(records, new AbortController().signal);

async function all(executionId: string, limit = 200): Promise<Artifact[]> {
  const found: Artifact[] = [];
  for (let after: string | undefined; ;) {
    const page = await artifacts.list(executionId, {
      limit,
      ...(after !== undefined && { after }),
    });
    found.push(...page.items);
    after = page.next;
    if (after === undefined) return found;
  }
}

describe('ArtifactsRepository', () => {
  it('gives artifacts back as they were', async () => {
    const executionId = uuidV7();
    const plain = artifact({ executionId, path: 'a' });
    const whole = artifact({
      ...{ executionId, path: 'b/ä 😀\u0001.js', cell: 'os=linux', size: 5 * 1024 ** 3 },
      ...{ mode: 0o755, expiresAt: new Date('2027-01-01T00:00:00Z') },
    });
    await insert([whole, plain]);
    expect((await artifacts.list(executionId, { limit: 10 })).items).toEqual([plain, whole]);
  });

  it('stores each once, however often it is told, and keeps what is there', async () => {
    const executionId = uuidV7();
    const one = artifact({ executionId });
    await Promise.all([insert([one]), insert([one])]);
    const other = artifact({ executionId, attempt: 2 });
    await insert([{ ...one, size: 99 }, other]);
    const found = await all(executionId);
    expect(found).toHaveLength(2);
    expect(found).toEqual(expect.arrayContaining([one, other]));
  });

  it('lists an execution by pages, and no other one', async () => {
    const [before, executionId, after] = [uuidV7(), uuidV7(), uuidV7()];
    const stored = Array.from({ length: 25 }, (_each, index) =>
      artifact({ executionId, path: `f${String(index).padStart(2, '0')}` }),
    );
    const others = [before, after].map((id) => artifact({ executionId: id }));
    await insert([...stored.toReversed(), ...others]);
    for (const limit of [1, 5, 24, 25, 26]) expect(await all(executionId, limit)).toEqual(stored);
    expect(await artifacts.list(uuidV7(), { limit: 5 })).toEqual({ items: [] });
  });

  it('does not leave the execution for a cursor of another one', async () => {
    const [first, second, third] = [uuidV7(), uuidV7(), uuidV7()];
    await insert([first, second, third].map((executionId) => artifact({ executionId })));
    const found = async (after: string) =>
      (await artifacts.list(second, { limit: 5, after })).items.map((each) => each.executionId);
    expect(await found(`${first}/a`)).toEqual([second]);
    expect(await found(`${third}/a`)).toEqual([]);
    expect(await found('')).toEqual([second]);
  });

  it('finds all of one path, and none of a path below it or like it', async () => {
    const executionId = uuidV7();
    const long = 'x'.repeat(600);
    const ofPath = ['one', 'two'].map((step) => artifact({ executionId, path: 'a', step }));
    const others = ['a/b', 'ab', 'A', `${long}1`, `${long}2`].map((path) =>
      artifact({ executionId, path }),
    );
    await insert([...ofPath, ...others]);
    const steps = (await artifacts.ofPath(executionId, 'a')).map(({ step }) => step);
    expect(steps.toSorted()).toEqual(['one', 'two']);
    expect(await artifacts.ofPath(executionId, `${long}2`)).toHaveLength(1);
    expect(await artifacts.ofPath(executionId, long)).toEqual([]);
    expect(await artifacts.ofPath(uuidV7(), 'a')).toEqual([]);
  });

  it('gives those whose time is over, the first ones first, and removes them', async () => {
    const executionId = uuidV7();
    const now = new Date();
    const expiring = (path: string, seconds: number): Artifact =>
      artifact({
        ...{ executionId, path, objectKey: objectKey('artifacts', path) },
        expiresAt: new Date(now.getTime() + seconds * 1000),
      });
    await insert([
      ...[expiring('b', -1), expiring('a', 0), expiring('c', -2), expiring('later', 60)],
      artifact({ executionId, path: 'never' }),
    ]);
    const over = await artifacts.expired(now, 10);
    expect(over.map(({ objectKey }) => objectKey)).toEqual(
      ['c', 'b', 'a'].map((path) => `artifacts/${path}`),
    );
    expect(await artifacts.expired(now, 2)).toHaveLength(2);
    await artifacts.remove(over.map(({ id }) => id));
    await artifacts.remove(over.map(({ id }) => id));
    expect((await all(executionId)).map(({ path }) => path)).toEqual(['later', 'never']);
  });

  it('removes an execution, and tells the first one that is left', async () => {
    const [first, second] = [uuidV7(), uuidV7()];
    await insert([first, second].map((executionId) => artifact({ executionId })));
    expect(await artifacts.firstExecution('~')).toBe(first);
    expect(await artifacts.firstExecution(first)).toBeUndefined();
    await artifacts.removeExecution(first);
    expect(await all(first)).toEqual([]);
    expect(await artifacts.firstExecution('~')).toBe(second);
  });

  it('lists 10,000 as fast as 100: the first page, and one in the middle', async () => {
    const [few, many] = [uuidV7(), uuidV7()];
    const store = (executionId: string, count: number) =>
      insert(
        Array.from({ length: count }, (_each, index) =>
          artifact({ executionId, path: `dist/file-${String(index).padStart(5, '0')}.js` }),
        ),
      );
    await store(few, 100);
    await store(many, 10_000);
    const middle = (await artifacts.list(many, { limit: 5_000 })).next ?? '';
    const lists = [
      { of: few, after: undefined },
      { of: many, after: undefined },
      { of: many, after: middle },
    ].map((list) => ({ ...list, times: [] as number[] }));
    // In turn, so that what else the machine does slows down all of them.
    for (let round = 0; round < 21; round += 1) {
      for (const { of, after, times } of lists) {
        const start = performance.now();
        const page = await artifacts.list(of, { limit: 50, ...(after && { after }) });
        times.push(performance.now() - start);
        expect(page.items).toHaveLength(50);
      }
    }
    const medians = lists.map(({ times }) => times.sort((one, other) => one - other)[10] ?? 0);
    if (process.env['SHOW_TIMES']) process.stderr.write(`${medians.join(' ')} ms\n`);
    const [ofFew = 0, ...ofMany] = medians;
    for (const median of ofMany) expect(median).toBeLessThan(2 * ofFew + 3);
  });
});
